//! The services that are called: where they are, and what form their requests have.

use aws_smithy_json::protocol::aws_json_rpc::AwsJsonRpcProtocol;
use aws_smithy_schema::protocol::SharedClientProtocol;
use aws_smithy_types::config_bag::{FrozenLayer, Layer};

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

    /// The form of its requests, for those of the SDK's crates that don't bring it with each operation: ssm does not,
    /// the others will not in a later version.
    pub(crate) fn protocol(self) -> FrozenLayer {
        let protocol = match self {
            Self::DynamoDb => AwsJsonRpcProtocol::aws_json_1_0().with_target_prefix("DynamoDB_20120810"),
            Self::Sqs => AwsJsonRpcProtocol::aws_json_1_0().with_target_prefix("AmazonSQS"),
            Self::Ssm => AwsJsonRpcProtocol::aws_json_1_1().with_target_prefix("AmazonSSM"),
        };
        let mut layer = Layer::new("protocol");
        layer.store_put(SharedClientProtocol::new(protocol));
        layer.freeze()
    }
}
