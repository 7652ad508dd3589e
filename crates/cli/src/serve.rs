//! The command that opens the browser door, and tells one person its address.

mod files;
pub mod token;

use crate::{
    args::SourceArgs,
    exit::{Exit, Failed},
    far,
    journal_args::OpenArgs,
    out::{Style, Tone, note, stdout},
    serve_args::{ServeArgs, ServeVerb},
    start::Session,
};
use pilothouse_engine::{Clock, Options, Reader};
use pilothouse_serve::{Dist, Grade, Identity, Limits, Notice, OfWall, ServeOptions, Serving, serve};
use pilothouse_wire::{Code, Problem};
use std::{
    fs, io,
    io::Write,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

/// Where the door is unless somebody wants another port, or the port is taken.
const PORT: u16 = 7447;

/// Opens the door, and keeps it open until it is interrupted; or does what else was typed about it.
pub async fn run(of: &ServeArgs, err: Style) -> Result<Exit, Failed> {
    match &of.verb {
        Some(ServeVerb::Token(verb)) => token::run::<OfWall>(&token::book()?, verb),
        Some(ServeVerb::Code { token }) => token::code(&token::book()?, *token),
        None => open_and_wait(of, err).await,
    }
}

async fn open_and_wait(of: &ServeArgs, err: Style) -> Result<Exit, Failed> {
    files::allow_as_many_as_the_system_does();
    let source = SourceArgs { context: of.context.clone(), demo: of.demo, wait: Duration::ZERO };
    show_session(Session::start(&source, true).await?, of, err, interruption()).await
}

/// Opens the door on a record that is kept in a file: no server is contacted, and nothing is recorded.
pub async fn run_on_record(of: &OpenArgs, err: Style) -> Result<Exit, Failed> {
    let opened = far::open(&of.place, &of.far, of.from, of.to).await?;
    let session = Session::of_record(&opened).await?;
    let of = ServeArgs {
        verb: None,
        port: of.port,
        context: None,
        demo: false,
        open: of.open,
        wall: false,
        listen: std::net::Ipv4Addr::LOCALHOST.into(),
        cert: None,
        key: None,
        plain: false,
        names: Vec::new(),
        ui: of.ui.clone(),
    };
    note("It shows what was recorded, as of its end. No server is contacted.");
    show_session(session, &of, err, interruption_or_hangup()).await
}

async fn show_session(
    session: Session,
    of: &ServeArgs,
    err: Style,
    interruption: impl Future<Output = ()>,
) -> Result<Exit, Failed> {
    let opened = open(session.reader(), of).await;
    let mut serving = match opened {
        Ok(serving) => serving,
        Err(problem) => {
            session.end().await;
            return Err(problem.into());
        }
    };
    tell(&serving, of, err)?;
    let page = if of.open { show(&serving.url).await } else { None };
    until_closed(&mut serving, page.as_deref(), interruption).await;
    forget(page.as_deref());
    serving.close();
    session.end().await;
    Ok(Exit::Ok)
}

async fn open(reader: &Reader, of: &ServeArgs) -> Result<Serving, Problem> {
    let identity = match (&of.cert, &of.key) {
        (Some(cert), Some(key)) => Some(Identity::read(cert, key)?),
        _ => None,
    };
    let book = if of.wall { Some(token::book()?) } else { None };
    let options = |port| ServeOptions {
        address: SocketAddr::new(of.listen, port),
        grade: if of.wall { Grade::Wall } else { Grade::Own },
        identity: identity.clone(),
        plain: of.plain,
        book: book.clone(),
        names: of.names.clone(),
        dist: of.ui.clone().map_or(Dist::BuiltIn, Dist::Folder),
        limits: Limits::default(),
        clock: Clock::system(),
    };
    match serve(reader.clone(), options(of.port.unwrap_or(PORT))).await {
        // Screens come back to the address that they know: a wall on another port would be a wall that nobody sees.
        Err(problem) if problem.code == Code::BadInput && of.port.is_none() && !of.wall => {
            serve(reader.clone(), options(0)).await
        }
        opened => opened,
    }
}

fn tell(serving: &Serving, of: &ServeArgs, err: Style) -> Result<(), Failed> {
    let mut out = stdout();
    writeln!(out, "{}", serving.url)?;
    out.flush()?;
    note(if serving.local_addr.ip().is_loopback() {
        "Open this address in a browser. It works once; the page can read, and change nothing. Ctrl-C closes the door."
    } else if !serving.url.contains('#') {
        "Open this address on the screen, with #code= and a token behind it. The page can read, and change nothing. Ctrl-C \
         closes the door."
    } else {
        "Open this address on the screen. It works once, within a quarter of an hour; pilothouse serve code makes a code for \
         another screen, and a token behind #code= works, too. The page can read, and change nothing. Ctrl-C closes the \
         door."
    });
    if of.ui.is_none() && !pilothouse_serve::is_built_in() {
        note(&err.paint(
            Tone::Warn,
            "The interface is not built in. Build it with cargo xtask ui, then this program again.",
        ));
    }
    if !serving.local_addr.ip().is_loopback() && of.cert.is_none() {
        note(&err.paint(
            Tone::Warn,
            "Other machines can connect, and nothing is encrypted: whoever listens on the way can read what is shown, and \
             can use the token.",
        ));
    }
    Ok(())
}

async fn until_closed(serving: &mut Serving, page: Option<&Path>, interruption: impl Future<Output = ()>) {
    let mut interrupt = std::pin::pin!(interruption);
    loop {
        tokio::select! {
            () = &mut interrupt => return,
            _ = &mut serving.done => return,
            Some(notice) = serving.notices.recv() => match notice {
                Notice::Opened => {
                    forget(page);
                    note("A page is connected.");
                }
                Notice::Void => note("Too many wrong codes: the address is void. Start the door again for a new one."),
            },
        }
    }
}

/// Ends with Ctrl-C or a request to end. It listens from this call on: whoever has read the address may close the door.
#[cfg(unix)]
pub fn interruption() -> impl Future<Output = ()> {
    use tokio::signal::unix::SignalKind;
    any_of([SignalKind::interrupt(), SignalKind::terminate()])
}

/// The same, and where the terminal is closed. Not for what is to go on then, as somebody wished who used `nohup`.
#[cfg(unix)]
pub fn interruption_or_hangup() -> impl Future<Output = ()> {
    use tokio::signal::unix::SignalKind;
    any_of([SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()])
}

#[cfg(unix)]
fn any_of<const N: usize>(kinds: [tokio::signal::unix::SignalKind; N]) -> impl Future<Output = ()> {
    let mut signals = kinds.map(|kind| tokio::signal::unix::signal(kind).ok());
    std::future::poll_fn(move |context| {
        let heard = signals.iter_mut().flatten().any(|signal| signal.poll_recv(context).is_ready());
        if heard { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
}

#[cfg(not(unix))]
pub async fn interruption() {
    drop(tokio::signal::ctrl_c().await);
}

#[cfg(not(unix))]
pub async fn interruption_or_hangup() {
    interruption().await;
}

/// Opens a browser by a page that only this person may read: an argument could be read by everybody here.
async fn show(url: &str) -> Option<PathBuf> {
    let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let page = match write_page(url) {
        Ok(page) => page,
        Err(error) => {
            note(&format!("No browser is opened: {error}. Open the address by hand."));
            return None;
        }
    };
    // A token that was given to this program is for nobody that it starts.
    let opened =
        tokio::process::Command::new(program).arg(&page).env_remove(crate::far::VARIABLE).kill_on_drop(false).spawn();
    if let Err(error) = opened {
        note(&format!("No browser is opened: {program}: {error}. Open the address by hand."));
    }
    Some(page)
}

fn write_page(url: &str) -> io::Result<PathBuf> {
    let options = Options::from_env().map_err(|problem| io::Error::other(problem.what))?;
    let folder = options.paths.data();
    fs::create_dir_all(folder)?;
    let page = folder.join(format!("open-{}.html", std::process::id()));
    let mut file = private(&page)?;
    writeln!(file, "<!doctype html><meta http-equiv=\"refresh\" content=\"0;url={url}\"><title>Pilothouse</title>")?;
    Ok(page)
}

fn private(page: &Path) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(page)
}

fn forget(page: Option<&Path>) {
    if let Some(page) = page {
        // Gone already if the page was opened.
        let _ = fs::remove_file(page);
    }
}
