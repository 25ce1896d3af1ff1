//! What an instance is started from: a binary, and what Lambda would put into its environment.

use crate::template::{Function, REGION};
use std::{collections::BTreeMap, path::PathBuf, process::Stdio};
use tokio::process::{Child, Command};

/// A binary and what it is started with.
#[derive(Debug, Clone)]
pub struct Program {
    /// The name of the function.
    pub function: String,
    /// The binary.
    pub executable: PathBuf,
    /// All of its environment but `AWS_LAMBDA_RUNTIME_API`.
    pub environment: BTreeMap<String, String>,
}

impl Program {
    /// The program of `function`, with the environment Lambda would give it, the variables of the
    /// template, and the database in the place of DynamoDB.
    #[must_use]
    pub fn new(function: &Function, executable: PathBuf, database: &str, parameters: &str) -> Self {
        let name = &function.name;
        let lambda = [
            ("_HANDLER", "bootstrap"),
            ("AWS_ACCESS_KEY_ID", "local"),
            ("AWS_DEFAULT_REGION", REGION),
            ("AWS_ENDPOINT_URL_DYNAMODB", database),
            ("AWS_ENDPOINT_URL_SSM", parameters),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", &function.memory_mb.to_string()),
            ("AWS_LAMBDA_FUNCTION_NAME", name),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", &format!("/aws/lambda/{name}")),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "local"),
            ("AWS_REGION", REGION),
            ("AWS_SECRET_ACCESS_KEY", "local"),
            ("AWS_SESSION_TOKEN", "local"),
            ("LANG", "en_US.UTF-8"),
            ("LAMBDA_RUNTIME_DIR", "/var/runtime"),
            ("LAMBDA_TASK_ROOT", "/var/task"),
            ("PATH", "/usr/local/bin:/usr/bin/:/bin:/opt/bin"),
            ("TZ", ":UTC"),
        ];
        let mut environment: BTreeMap<_, _> =
            lambda.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        environment.extend(function.environment.clone());
        Self { function: name.clone(), executable, environment }
    }

    pub(super) fn spawn(&self, runtime_api: &str) -> Result<Child, String> {
        let mut command = Command::new(&self.executable);
        command
            .env_clear()
            .envs(&self.environment)
            .env("AWS_LAMBDA_RUNTIME_API", runtime_api)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        // A group of their own, so that Ctrl-C in the terminal reaches the stack only, which then ends
        // them in order.
        #[cfg(unix)]
        command.process_group(0);
        command.spawn().map_err(|why| format!("{}: {why}", self.executable.display()))
    }
}
