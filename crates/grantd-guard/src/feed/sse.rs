//! Server-sent events, as the HTML standard has them (section 9.2.6), from bytes cut anywhere.

use super::FeedError;

/// The longest line, and the longest data of one event, in bytes.
const MAX_LENGTH: usize = 64 * 1024;

/// One event: what stood before an empty line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Event {
    /// `id`, if it was there: how far the stream is read with this event.
    pub(super) id: Option<String>,
    /// `event`; empty if it was not there.
    pub(super) name: String,
    /// The lines of `data`.
    pub(super) data: String,
}

/// Reads a stream piece by piece; holds one line and one event, both bounded.
#[derive(Debug, Default)]
pub(super) struct Parser {
    line: Vec<u8>,
    event: Event,
    /// Whether a line feed that comes next belongs to the carriage return before.
    after_return: bool,
    begun: bool,
}

impl Parser {
    /// The events that these bytes complete. After an error the stream is of no use any more.
    pub(super) fn read(&mut self, mut bytes: &[u8]) -> Result<Vec<Event>, FeedError> {
        let mut events = Vec::new();
        while let Some(first) = bytes.first() {
            if std::mem::take(&mut self.after_return) && *first == b'\n' {
                bytes = &bytes[1..];
                continue;
            }
            let end = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let part = &bytes[..end.unwrap_or(bytes.len())];
            if self.line.len() + part.len() > MAX_LENGTH {
                return Err(FeedError::Malformed("a line is longer than 64 KiB"));
            }
            self.line.extend_from_slice(part);
            let Some(end) = end else { break };
            self.after_return = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
            events.extend(self.end_line()?);
        }
        Ok(events)
    }

    fn end_line(&mut self) -> Result<Option<Event>, FeedError> {
        let line = std::mem::take(&mut self.line);
        let line = std::str::from_utf8(&line)
            .map_err(|_| FeedError::Malformed("the stream is not UTF-8"))?;
        // One byte order mark may stand at the very beginning.
        let line = match line.strip_prefix('\u{feff}') {
            Some(rest) if !self.begun => rest,
            _ => line,
        };
        self.begun = true;
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            return Ok((event.id.is_some() || !event.data.is_empty()).then_some(event));
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => self.add_data(value)?,
            "id" if !value.contains('\0') => self.event.id = Some(value.to_owned()),
            "event" => value.clone_into(&mut self.event.name),
            // A comment has an empty name; other fields are for others.
            _ => {}
        }
        Ok(None)
    }

    fn add_data(&mut self, value: &str) -> Result<(), FeedError> {
        let data = &mut self.event.data;
        if data.len() + value.len() >= MAX_LENGTH {
            return Err(FeedError::Malformed("an event is longer than 64 KiB"));
        }
        if !data.is_empty() {
            data.push('\n');
        }
        data.push_str(value);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn event(id: Option<&str>, name: &str, data: &str) -> Event {
        Event { id: id.map(str::to_owned), name: name.to_owned(), data: data.to_owned() }
    }

    fn whole(bytes: &[u8]) -> Option<Vec<Event>> {
        Parser::default().read(bytes).ok()
    }

    #[test]
    fn events_comments_and_every_line_ending_are_understood() {
        let text = "\u{feff}: hello\nid: 1\nevent: revocation\ndata: {\"a\":1}\n\n:\n\r\n\
            id:2\r\ndata:a\r\ndata: b\r\nretry: 5\r\n\r\ndata: c\rfoo\r\rid: 3\n\nevent: x\n\ndata: cut";
        let expected = vec![
            event(Some("1"), "revocation", "{\"a\":1}"),
            event(Some("2"), "", "a\nb"),
            event(None, "", "c"),
            event(Some("3"), "", ""),
        ];
        assert_eq!(whole(text.as_bytes()), Some(expected));
    }

    #[test]
    fn a_line_or_an_event_without_end_is_given_up_and_never_held() {
        let mut parser = Parser::default();
        let piece = [b'x'; 1000];
        let pieces = (0..1000).take_while(|_| parser.read(&piece).is_ok()).count();
        assert_eq!(pieces, 65);
        let mut parser = Parser::default();
        let line = [b"data: ".as_slice(), &[b'x'; 1000], b"\n"].concat();
        let lines = (0..1000).take_while(|_| parser.read(&line).is_ok()).count();
        assert_eq!(lines, 65);
    }

    #[test]
    fn what_is_not_utf_8_is_an_error() {
        assert_eq!(whole(b"data: \xff\n"), None);
        assert_eq!(whole(b": \xc3\x28\n"), None);
    }

    proptest! {
        #[test]
        fn any_split_of_the_same_bytes_gives_the_same_events(
            lines in prop::collection::vec("(id: ?[a-c]|data: ?[a-zé{}]{0,8}|event: ?[a-z]{0,3}|:.{0,3}|.{0,4}||)(\n|\r|\r\n)", 0..30),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
        ) {
            let bytes = lines.concat().into_bytes();
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let mut parser = Parser::default();
            let mut events = Vec::new();
            for pair in cuts.windows(2) {
                events.extend(parser.read(&bytes[pair[0]..pair[1]]).unwrap());
            }
            prop_assert_eq!(Some(events), whole(&bytes));
        }

        #[test]
        fn no_bytes_make_it_panic_or_disagree_with_themselves(bytes in any::<Vec<u8>>()) {
            let mut parser = Parser::default();
            let single = bytes.iter().map(|byte| parser.read(&[*byte])).collect::<Result<Vec<_>, _>>();
            prop_assert_eq!(single.ok().map(|events| events.concat()), whole(&bytes));
        }
    }
}
