//! kubectl as a person would run it, for what is shortest to say in YAML or on a command line.

use std::process::Stdio;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::control_plane::ControlPlane;
use crate::failure::{Context, Failure, Result};

impl ControlPlane {
    /// Runs kubectl as the administrator and returns what it printed.
    pub async fn kubectl(&self, args: &[&str]) -> Result<String> {
        self.kubectl_with_input(args, "").await
    }

    /// The administrator's kubectl, for what goes on until it is stopped; it ends when its
    /// child is dropped.
    pub fn kubectl_command(&self, args: &[&str]) -> Command {
        let mut command = Command::from(self.layout.run("kubectl"));
        command.arg("--kubeconfig").arg(self.kubeconfig()).args(args).kill_on_drop(true);
        command
    }

    /// Applies objects from YAML (or JSON) text, as the administrator.
    pub async fn apply(&self, yaml: &str) -> Result<()> {
        self.kubectl_with_input(&["apply", "--server-side", "-f", "-"], yaml).await.map(drop)
    }

    async fn kubectl_with_input(&self, args: &[&str], input: &str) -> Result<String> {
        let what = format!("run kubectl {}", args.join(" "));
        let mut child = self
            .kubectl_command(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .could_not(&what)?;
        if let Some(mut pipe) = child.stdin.take() {
            pipe.write_all(input.as_bytes()).await.could_not(&what)?;
        }
        let output = child.wait_with_output().await.could_not(&what)?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let error = String::from_utf8_lossy(&output.stderr);
        Err(Failure::new(format!("could not {what}: {}", error.trim())))
    }
}
