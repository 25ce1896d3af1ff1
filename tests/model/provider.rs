//! The payment provider, as far as a refund needs it: it remembers each key's answer and nothing else. (The real
//! one also refuses to refund a charge twice; nothing here rests on that.)

use credits::RefundId;

#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Provider {
    /// The keys it was asked by, in order, and whether the money went back.
    answers: Vec<(u32, bool)>,
    /// The key of a refund that failed after all.
    pub failed: Option<u32>,
    /// Whether the subscription was ended.
    pub has_ended: bool,
}

impl Provider {
    /// What an old key is answered, always.
    pub fn remembers(&self, key: u32) -> Option<bool> {
        self.answers.iter().find(|(asked, _)| *asked == key).map(|(_, sent)| *sent)
    }

    /// A new key is answered.
    pub fn answer(&mut self, key: u32, sent: bool) -> bool {
        self.answers.push((key, sent));
        sent
    }

    /// A key that nobody used.
    pub fn new_key(&self) -> u32 {
        u32::try_from(self.answers.len()).expect("a few")
    }

    pub fn refused(&self) -> usize {
        self.answers.iter().filter(|(_, sent)| !sent).count()
    }

    /// How often money ever went back.
    pub fn sent(&self) -> usize {
        self.answers.len() - self.refused()
    }

    /// How often it went back and stayed there.
    pub fn standing(&self) -> usize {
        self.sent() - usize::from(self.failed.is_some())
    }

    /// The key of the first refund whose money went back.
    pub fn first_sent(&self) -> Option<u32> {
        self.answers.iter().find(|(_, sent)| *sent).map(|(key, _)| *key)
    }
}

/// The provider's id of the refund made for a key.
pub fn refund_id(key: u32) -> RefundId {
    RefundId::parse(format!("re_{key}")).expect("an id")
}
