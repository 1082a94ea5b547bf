//! What stands around every page: its place in the navigation, and who is signed in.

use super::assets::{HTMX, PASSKEY, SCRIPT, STYLE};

/// The frame of one page.
#[derive(Clone, Debug)]
pub(in crate::serve) struct Frame {
    /// The issuer's path, without a slash at its end; every link begins with it.
    pub(in crate::serve) base: String,
    /// Who is signed in; without one there is no navigation.
    pub(in crate::serve) user: Option<String>,
    /// How much of the navigation is theirs.
    pub(in crate::serve) reach: Reach,
    /// Where the page belongs.
    pub(in crate::serve) section: Option<Section>,
}

/// Which pages somebody may open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::serve) enum Reach {
    /// Those about themselves.
    Own,
    /// The console too.
    Everything,
}

/// A part of the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::serve) enum Section {
    Start,
    Apps,
    Roles,
    Apis,
    Users,
    Keys,
    Audit,
    Docs,
}

const SECTIONS: [(Section, &str, &str); 8] = [
    (Section::Start, "/developer", "Start"),
    (Section::Apps, "/developer/apps", "Apps"),
    (Section::Roles, "/developer/roles", "Roles"),
    (Section::Apis, "/developer/apis", "APIs"),
    (Section::Users, "/developer/users", "Users"),
    (Section::Keys, "/developer/keys", "Keys"),
    (Section::Audit, "/developer/audit", "Audit log"),
    (Section::Docs, "/developer/docs", "Docs"),
];

impl Frame {
    /// The frame of a page that anybody may see.
    pub(in crate::serve) fn bare(base: &str) -> Self {
        Self { base: base.to_owned(), user: None, reach: Reach::Own, section: None }
    }

    /// The navigation: section, path, label.
    pub(in crate::serve) fn sections(&self) -> &'static [(Section, &'static str, &'static str)] {
        match self.reach {
            Reach::Own => &[],
            Reach::Everything => &SECTIONS,
        }
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "templates pass references")]
    pub(in crate::serve) fn is(&self, section: &Section) -> bool {
        self.section == Some(*section)
    }

    pub(in crate::serve) fn style() -> String {
        STYLE.path()
    }

    pub(in crate::serve) fn script() -> String {
        SCRIPT.path()
    }

    pub(in crate::serve) fn passkey() -> String {
        PASSKEY.path()
    }

    pub(in crate::serve) fn htmx() -> String {
        HTMX.path()
    }
}
