//! The services that are called: where they are, and what their requests begin with.

/// What the names of regions begin with where their endpoints end in something else, as the SDK's `partitions.json` has
/// it.
const SUFFIXES: [(&str, &str); 6] = [
    ("cn-", "amazonaws.com.cn"),
    ("eusc-", "amazonaws.eu"),
    ("us-iso-", "c2s.ic.gov"),
    ("us-isob-", "sc2s.sgov.gov"),
    ("eu-isoe-", "cloud.adc-e.uk"),
    ("us-isof-", "csp.hci.ic.gov"),
];

/// A service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The database.
    DynamoDb,
    /// Queues.
    Sqs,
    /// The Systems Manager, which keeps parameters.
    Ssm,
}

impl Kind {
    /// Its name in endpoints and signatures.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::DynamoDb => "dynamodb",
            Self::Sqs => "sqs",
            Self::Ssm => "ssm",
        }
    }

    /// Its URL in a region.
    pub(crate) fn url(self, region: &str) -> String {
        let other = SUFFIXES.into_iter().find(|(prefix, _)| region.starts_with(prefix));
        let suffix = other.map_or("amazonaws.com", |(_, suffix)| suffix);
        format!("https://{}.{region}.{suffix}", self.name())
    }

    /// Its name in requests, and the version of JSON's form that they have.
    pub(crate) fn dialect(self) -> (&'static str, &'static str) {
        match self {
            Self::DynamoDb => ("DynamoDB_20120810", "1.0"),
            Self::Sqs => ("AmazonSQS", "1.0"),
            Self::Ssm => ("AmazonSSM", "1.1"),
        }
    }
}
