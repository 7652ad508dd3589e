//! A desktop session of its own: a display, a session bus, a window manager, and dunst, which shows notifications as on a
//! person's desktop.
//!
//! There is no program of Debian that is a tray and draws nothing: of the tray's sign the properties are read, as a tray
//! would read them.

use crate::failure::{Context, Failure, Result};
use crate::page::display;
use crate::process::{Den, Process};
use crate::until;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);
/// Notifications stay until somebody closes them: a test decides how long it looks.
/// A bus on which nothing is started by a call: what runs is what the test starts.
const BUS: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:tmpdir=/tmp</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#;
const DUNST: &str = "[global]\nmonitor = 0\nfollow = none\nmarkup = full\n[urgency_normal]\ntimeout = 0\n";

/// The session. All of it ends with this.
pub struct Desktop {
    display: String,
    bus: String,
    monitor: Process,
    servers: Vec<Process>,
    den: Arc<Den>,
}

/// A notification as it was asked for on the bus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// Its title.
    pub title: String,
    /// Its text.
    pub text: String,
}

impl Desktop {
    /// Starts a session.
    ///
    /// # Errors
    /// If a program of it does not start.
    pub async fn start(size: (u32, u32)) -> Result<Self> {
        let mut desktop = Self::bare(size).await?;
        let config = desktop.den.write("dunstrc", DUNST)?;
        let mut command = Command::new("dunst");
        command.arg("-conf").arg(config).env("HOME", desktop.den.folder());
        command.env("DISPLAY", &desktop.display).env_remove("WAYLAND_DISPLAY");
        desktop.servers.push(Process::start(&desktop.den, "dunst", with_bus(command, &desktop.bus))?);
        until("dunst answers", LIMIT, async || Ok(desktop.dunst(&["count"]).ok())).await?;
        Ok(desktop)
    }

    /// Starts a session in which nothing shows notifications.
    ///
    /// # Errors
    /// If a program of it does not start.
    pub async fn bare(size: (u32, u32)) -> Result<Self> {
        let den = Den::new()?;
        let (display, xvfb) = display(&den, size).await?;
        let mut command = Command::new("dbus-daemon");
        command.args(["--nofork", "--nopidfile", "--print-address=1"]);
        command.arg(format!("--config-file={}", den.write("bus.conf", BUS)?.display()));
        let daemon = Process::start(&den, "dbus", command)?;
        let bus = until("the bus tells its address", LIMIT, async || {
            daemon.check()?;
            Ok(daemon.last_lines(5).lines().find(|line| line.starts_with("unix:")).map(str::to_owned))
        })
        .await?;
        let mut command = Command::new("dbus-monitor");
        command.args(["interface='org.freedesktop.Notifications',member='Notify'"]);
        let monitor = Process::start(&den, "monitor", with_bus(command, &bus))?;
        let mut command = Command::new("openbox");
        command.env("DISPLAY", &display).env("HOME", den.folder()).env_remove("WAYLAND_DISPLAY");
        let windows = Process::start(&den, "openbox", with_bus(command, &bus))?;
        Ok(Self { display, bus, monitor, servers: vec![windows, daemon, xvfb], den })
    }

    /// The notifications that were asked for so far, the first one first.
    pub fn asked_for(&self) -> Vec<Notification> {
        notifications(&self.monitor.last_lines(usize::MAX))
    }

    /// Waits until so many notifications were asked for, and gives the last one.
    ///
    /// # Errors
    /// If they are not; what was asked for is in the message.
    pub async fn notification(&self, number: usize, limit: Duration) -> Result<Notification> {
        let what = format!("notification {number} is asked for");
        let asked = until(&what, limit, async || Ok((self.asked_for().len() >= number).then_some(()))).await;
        let all = self.asked_for();
        match (asked, all.as_slice()) {
            (Ok(()), [.., last]) if all.len() == number => Ok(last.clone()),
            (outcome, _) => Err(Failure::new(format!("{what}: {outcome:?}; there are {all:#?}"))),
        }
    }

    /// How many notifications dunst shows now.
    ///
    /// # Errors
    /// If dunst does not answer.
    pub fn displayed(&self) -> Result<usize> {
        self.dunst(&["count", "displayed"])?.trim().parse().could_not("read what dunst counts")
    }

    /// Clicks the newest notification.
    ///
    /// # Errors
    /// If dunst does not answer.
    pub fn click(&self) -> Result<()> {
        self.dunst(&["action", "0"]).map(drop)
    }

    /// Closes all notifications.
    ///
    /// # Errors
    /// If dunst does not answer.
    pub fn close_all(&self) -> Result<()> {
        self.dunst(&["close-all"]).map(drop)
    }

    /// A property of the sign in the tray, as the bus prints it; nothing while there is no sign.
    ///
    /// # Errors
    /// If the bus does not answer.
    pub fn tray(&self, property: &str) -> Result<Option<String>> {
        let Some(name) = self.tray_name()? else { return Ok(None) };
        let get = "org.freedesktop.DBus.Properties.Get";
        self.call(&name, "/StatusNotifierItem", get, &["org.kde.StatusNotifierItem", property]).map(Some)
    }

    /// Does to the sign in the tray what a click does.
    ///
    /// # Errors
    /// If there is no sign.
    pub fn click_tray(&self) -> Result<()> {
        let name = self.tray_name()?.ok_or_else(|| Failure::new("there is no sign in the tray"))?;
        self.call(&name, "/StatusNotifierItem", "org.kde.StatusNotifierItem.Activate", &["0", "0"]).map(drop)
    }

    /// The name under which the sign is on the bus.
    fn tray_name(&self) -> Result<Option<String>> {
        let names =
            self.call("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus.ListNames", &[])?;
        Ok(names.split('\'').find(|name| name.starts_with("org.kde.StatusNotifierItem-")).map(str::to_owned))
    }

    fn call(&self, to: &str, path: &str, method: &str, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new("gdbus");
        command.args(["call", "--session", "--dest", to, "--object-path", path, "--method", method]).args(arguments);
        self.run(command)
    }

    fn dunst(&self, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new("dunstctl");
        command.args(arguments);
        self.run(command)
    }

    fn run(&self, mut command: Command) -> Result<String> {
        command.env("DBUS_SESSION_BUS_ADDRESS", &self.bus).env("HOME", self.den.folder()).stdin(Stdio::null());
        let output = command.output().could_not(format!("run {:?}", command.get_program()))?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(Failure::new(text(&output.stderr))) }
    }

    /// The environment of programs of this session.
    pub fn environment(&self) -> [(&str, &Path); 2] {
        [("DISPLAY", Path::new(&self.display)), ("DBUS_SESSION_BUS_ADDRESS", Path::new(&self.bus))]
    }
}

fn with_bus(mut command: Command, bus: &str) -> Command {
    command.env("DBUS_SESSION_BUS_ADDRESS", bus);
    command
}

/// What `dbus-monitor` printed of calls of `Notify`: of each the fourth and the fifth argument that stand at its own depth.
fn notifications(printed: &str) -> Vec<Notification> {
    let calls = printed.split("method call ").skip(1).filter(|call| call.contains("member=Notify"));
    let of_call = |call: &str| {
        // Three spaces before each argument; deeper ones have more. A text with breaks goes on until its closing quote.
        let mut arguments = call.split("\n   ").skip(1).filter(|text| !text.starts_with(' '));
        let text = |argument: Option<&str>| {
            let argument = argument?.strip_prefix("string \"")?;
            Some(argument.split("\"\n").next()?.trim_end_matches('"').to_owned())
        };
        let title = text(arguments.nth(3))?;
        Some(Notification { title, text: text(arguments.next())? })
    };
    calls.filter_map(of_call).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notification_is_read_from_what_the_monitor_prints() {
        let printed = "signal time=1.5 sender=org.freedesktop.DBus\n   string \":1.9\"\n\
            method call time=1.7 sender=:1.4 -> destination=:1.3 serial=7 path=/org/freedesktop/Notifications; \
            interface=org.freedesktop.Notifications; member=Notify\n   string \"Pilothouse\"\n   uint32 0\n   \
            string \"Pilothouse\"\n   string \"2 alerts\"\n   string \"Alert: A\nAlert: B\"\n   array [\n      \
            string \"default\"\n      string \"Open\"\n   ]\n   array [\n      dict entry(\n         string \"urgency\"\n\
            \x20        variant             byte 1\n      )\n   ]\n   int32 -1\n";
        let read = notifications(printed);
        assert_eq!(read, [Notification { title: "2 alerts".into(), text: "Alert: A\nAlert: B".into() }]);
    }
}
