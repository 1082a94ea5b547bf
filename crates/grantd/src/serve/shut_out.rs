//! Nobody takes their own right to manage the server away: then somebody is left who can give it back.

use grantd_issuer::{Admin, CommandError, RoleEntry, User, user_change::UserEdit};

use super::{MANAGE, routes::Server};

/// What somebody is told who tries.
pub(super) const OWN_RIGHT: &str = "This would take your own right to manage this server away: let another \
    administrator do it, or `grantd user update` on the server.";

impl Server {
    /// Whether somebody would lose `manage_system` by an edit of their own.
    pub(super) async fn shuts_out(
        &self,
        by: &Admin,
        user: &User,
        edit: &UserEdit,
    ) -> Result<bool, CommandError> {
        Ok(by.name() == format!("user:{}", user.id)
            && takes_reach(&self.registrar.roles().await?, user, edit))
    }
}

fn takes_reach(roles: &[RoleEntry], user: &User, edit: &UserEdit) -> bool {
    let manages = |user: &User| {
        let own = roles.iter().filter(|role| user.roles.contains(&role.name));
        let all = own.flat_map(|role| &role.permissions).chain(&user.permissions);
        all.into_iter().any(|name| name.as_str() == MANAGE)
    };
    manages(user) && !manages(&edit.over(user))
}

#[cfg(test)]
mod tests {
    use grantd_core::{Timestamp, UserId};
    use grantd_issuer::NewUser;

    use super::*;

    #[test]
    fn the_last_way_to_the_right_is_what_counts() {
        let manage = || vec![MANAGE.parse().unwrap()];
        let boss = || vec!["boss".parse().unwrap()];
        let roles = [RoleEntry {
            name: "boss".parse().unwrap(),
            description: String::new(),
            permissions: manage(),
        }];
        let user = |permissions, roles| {
            let new = NewUser { name: "Ada".parse().unwrap(), password: None, permissions, roles };
            let at = Timestamp::from_seconds(1);
            new.into_record(UserId::mint(at, [1; 10]), at).user
        };
        let none = UserEdit::default();
        let no_permission = UserEdit { remove_permissions: manage(), ..none.clone() };
        let no_role = UserEdit { remove_roles: boss(), ..none.clone() };
        let swap = UserEdit { add_roles: boss(), ..no_permission.clone() };
        let (direct, by_role) = (user(manage(), Vec::new()), user(Vec::new(), boss()));
        let both = user(manage(), boss());
        for (of, edit, expected) in [
            (&direct, &none, false),
            (&direct, &no_permission, true),
            (&direct, &no_role, false),
            (&direct, &swap, false),
            (&by_role, &no_role, true),
            (&by_role, &no_permission, false),
            (&both, &no_role, false),
            (&both, &no_permission, false),
            (&user(Vec::new(), Vec::new()), &no_permission, false),
        ] {
            assert_eq!(takes_reach(&roles, of, edit), expected, "{edit:?} of {of:?}");
        }
    }
}
