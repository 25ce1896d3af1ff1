//! The keys beside the server's own: which there are, and what each may do.

use crate::{Stripe, permissions::PermissionWording};

impl Stripe {
    /// Lets a key do only what these permissions (`charge_read`, `subscription_write` …) allow. The server takes the
    /// key from now on, beside its own.
    pub fn restrict_key(&self, key: &str, permissions: &[&str]) {
        let permissions = permissions.iter().map(|&permission| permission.to_owned()).collect();
        self.with_desk(|desk| {
            desk.keys.restricted.retain(|(known, _)| known != key);
            desk.keys.restricted.push((key.to_owned(), permissions));
        });
    }

    /// Forgets a restricted key: the server takes it no longer, or without restriction if it is the server's own.
    pub fn lift_restriction(&self, key: &str) {
        self.with_desk(|desk| desk.keys.restricted.retain(|(known, _)| known != key));
    }

    /// Sets how it is worded that a key lacks a permission.
    pub fn word_permissions(&self, wording: PermissionWording) {
        self.with_desk(|desk| desk.keys.wording = wording);
    }
}
