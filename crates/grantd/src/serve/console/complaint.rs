//! What is wrong with a form as it was sent, said at the field it is about.

use grantd_issuer::{CommandError, Conflict};
use http::StatusCode;

use super::page::Trouble;

/// At most one thing is wrong at a time: with a field, or with the whole.
#[derive(Debug, Default)]
pub(in crate::serve) struct Complaint(Option<(&'static str, String)>);

/// The name of what is no field.
const WHOLE: &str = "";

impl Complaint {
    /// About one field.
    pub(in crate::serve) fn at(field: &'static str, text: impl Into<String>) -> Self {
        Self(Some((field, text.into())))
    }

    /// What was said is not there any more or not as it was shown.
    pub(in crate::serve) fn lost_race(what: &str) -> Self {
        Self::at(
            WHOLE,
            format!(
                "Somebody changed this {what} while you looked at it. Nothing is saved yet: look at what it is now, then send again."
            ),
        )
    }

    /// What a refused command says to a person with a form; storage that fails is no matter of forms.
    pub(in crate::serve) fn about(error: CommandError) -> Result<Self, Trouble> {
        let (field, text) = match &error {
            CommandError::Storage(_) | CommandError::ClientUnknown(_) => return Err(error.into()),
            CommandError::Text("the name", most) => {
                ("name", format!("Write 1 to {most} characters on one line."))
            }
            CommandError::Text("the description", most) => {
                ("description", format!("Write at most {most} characters on one line."))
            }
            CommandError::Audience(_) => (
                "audience",
                "Write an absolute URI without fragment, like https://api.example.".to_owned(),
            ),
            CommandError::OwnAudience(_) => (
                "audience",
                "This is the issuer itself, the audience of the API default: choose another."
                    .to_owned(),
            ),
            CommandError::Conflict(conflict) => return Ok(Self::about_conflict(conflict)),
            other => (WHOLE, format!("{other}.")),
        };
        Ok(Self::at(field, text))
    }

    fn about_conflict(conflict: &Conflict) -> Self {
        match conflict {
            Conflict::PermissionExists(_) => {
                Self::at("name", "There is a permission of this name already.")
            }
            Conflict::RoleExists(_) => Self::at("name", "There is a role of this name already."),
            Conflict::ApiExists { .. } => {
                Self::at("name", "There is an API of this name, or with this audience, already.")
            }
            Conflict::ApiUnknown(name) => {
                Self::at("api", format!("There is no API `{name}`: choose another."))
            }
            Conflict::PermissionUnknown(name) => Self::at(
                "permission",
                format!("There is no permission `{name}` any more: somebody deleted it."),
            ),
            Conflict::RoleDiffers(_) => Self::lost_race("role"),
            Conflict::PermissionDiffers(_) => Self::lost_race("permission"),
            Conflict::ApiDiffers(_) => Self::lost_race("API"),
            other => Self::at(WHOLE, format!("{other}.")),
        }
    }

    /// What is wrong with the whole.
    pub(in crate::serve) fn whole(&self) -> Option<&str> {
        self.of(WHOLE)
    }

    /// What is wrong with a field.
    pub(in crate::serve) fn of(&self, field: &str) -> Option<&str> {
        self.0.as_ref().filter(|(known, _)| *known == field).map(|(_, text)| text.as_str())
    }

    /// Whether something is wrong with a field.
    pub(in crate::serve) fn is(&self, field: &str) -> bool {
        self.of(field).is_some()
    }

    /// With which status the form comes again.
    pub(in crate::serve) fn status(&self) -> StatusCode {
        match &self.0 {
            None => StatusCode::OK,
            Some((WHOLE, _)) => StatusCode::CONFLICT,
            Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
        }
    }
}

#[cfg(test)]
mod tests {
    use grantd_issuer::StorageFault;

    use super::*;

    #[test]
    fn a_complaint_stands_at_its_field_and_nowhere_else() {
        let complaint = Complaint::at("name", "Say it.");
        assert_eq!(complaint.of("name"), Some("Say it."));
        assert!(!complaint.is("description") && complaint.whole().is_none());
        assert_eq!(complaint.status(), StatusCode::UNPROCESSABLE_ENTITY);
    }

    #[test]
    fn a_lost_race_is_a_conflict_about_the_whole() {
        let refused = CommandError::Conflict(Conflict::RoleDiffers("r".parse().unwrap()));
        let complaint = Complaint::about(refused).ok().unwrap();
        assert!(complaint.whole().unwrap().contains("this role"));
        assert_eq!(complaint.status(), StatusCode::CONFLICT);
    }

    #[test]
    fn a_fault_is_no_complaint() {
        assert!(Complaint::about(StorageFault::plain("disk").into()).is_err());
    }
}
