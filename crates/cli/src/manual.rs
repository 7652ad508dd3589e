//! The manual page and the shells' completions, drawn from the arguments.

use crate::{
    args::Arguments,
    exit::{CODES, Exit, Failed},
    out::stdout,
};
use clap::{Command, CommandFactory};
use clap_complete::Shell;
use std::io::Write;

/// Prints what a shell completes by.
pub fn completions(shell: Shell) -> Result<Exit, Failed> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "pilothouse", &mut script);
    print(&script)
}

/// Prints the manual page: all commands in one.
pub fn page() -> Result<Exit, Failed> {
    let mut command = Arguments::command();
    command.build();
    let mut page = Vec::new();
    let manual = clap_mangen::Man::new(command.clone());
    manual.render_title(&mut page)?;
    manual.render_name_section(&mut page)?;
    manual.render_synopsis_section(&mut page)?;
    manual.render_description_section(&mut page)?;
    manual.render_options_section(&mut page)?;
    writeln!(page, ".SH COMMANDS")?;
    for below in command.get_subcommands() {
        describe(&mut page, below)?;
    }
    writeln!(page, ".SH \"EXIT STATUS\"\n.nf\n{}\n.fi", CODES.lines().skip(1).collect::<Vec<_>>().join("\n"))?;
    writeln!(page, ".SH ENVIRONMENT\n.TP\nPILOTHOUSE_HOME\nThe folder of settings and data.")?;
    writeln!(page, ".TP\nPILOTHOUSE_LOG\nWhat is logged on stderr, such as debug.")?;
    writeln!(page, ".TP\nNO_COLOR\nNo colour, whatever it is set to.")?;
    print(&page)
}

fn describe(page: &mut Vec<u8>, command: &Command) -> std::io::Result<()> {
    let name = command.get_bin_name().unwrap_or(command.get_name());
    writeln!(page, ".SS {}", roff(name))?;
    if let Some(about) = command.get_about() {
        writeln!(page, "{}", roff(&about.to_string()))?;
    }
    for argument in command.get_arguments().filter(|argument| !argument.is_hide_set() && !argument.is_global_set()) {
        let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
        if argument.get_id() != "help" {
            writeln!(page, ".TP\n{}\n{}", roff(&argument.to_string()), roff(&help))?;
        }
    }
    for below in command.get_subcommands() {
        describe(page, below)?;
    }
    Ok(())
}

/// Text that the formatter does not read as a command.
fn roff(text: &str) -> String {
    let escaped = text.replace('\\', "\\e").replace('-', "\\-").replace('\n', " ");
    if escaped.starts_with(['.', '\'']) { format!("\\&{escaped}") } else { escaped }
}

fn print(bytes: &[u8]) -> Result<Exit, Failed> {
    let mut out = stdout();
    out.write_all(bytes)?;
    out.flush()?;
    Ok(Exit::Ok)
}
