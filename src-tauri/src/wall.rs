//! The wall door of this program, as `pilothouse serve --wall` opens it: for browsers of this machine, until it is closed
//! or the window is.

use pilothouse_engine::{Clock, Paths, Reader};
use pilothouse_serve::{Book, Dist, Grade, Limits, Notice, ServeOptions, Serving, serve};
use pilothouse_wire::{
    Code, Problem,
    door::{DoorAct, OneTimeCode, WallDoor},
};
use std::net::{Ipv4Addr, SocketAddr};
use tokio::sync::Mutex;

/// The wall door, while it is open.
#[derive(Default)]
pub struct Wall(Mutex<Option<Opened>>);

struct Opened {
    serving: Serving,
    address: String,
    code: OneTimeCode,
}

impl Wall {
    /// Does what a person wants with it, and answers how it is then.
    ///
    /// # Errors
    /// If it cannot be opened: the port is taken, say.
    pub async fn act(&self, act: DoorAct, reader: Reader) -> Result<WallDoor, Problem> {
        let mut wall = self.0.lock().await;
        if wall.as_ref().is_some_and(|opened| opened.serving.done.is_finished()) {
            *wall = None;
        }
        match act {
            DoorAct::Look => {}
            DoorAct::Open { port } => {
                if wall.is_none() {
                    *wall = Some(open(reader, port).await?);
                }
            }
            DoorAct::Close => close(wall.take()).await,
        }
        Ok(wall.as_mut().map_or(WallDoor::Closed, Opened::look))
    }

    /// Closes it, if it is open.
    pub async fn close(&self) {
        close(self.0.lock().await.take()).await;
    }
}

impl Opened {
    fn look(&mut self) -> WallDoor {
        while let Ok(notice) = self.serving.notices.try_recv() {
            self.code = match (&self.code, notice) {
                (OneTimeCode::Fresh(_), Notice::Opened) => OneTimeCode::Used,
                (OneTimeCode::Fresh(_), Notice::Void) => OneTimeCode::Void,
                (spent, _) => spent.clone(),
            };
        }
        WallDoor::Open { address: self.address.clone(), code: self.code.clone() }
    }
}

async fn open(reader: Reader, port: u16) -> Result<Opened, Problem> {
    let options = ServeOptions {
        address: SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port),
        grade: Grade::Wall,
        identity: None,
        plain: false,
        // Beside that of the terminal: a screen that one of them let in is known to the other.
        book: Some(Book::at(Paths::from_env()?.config().join("wall.json"))),
        names: Vec::new(),
        dist: Dist::BuiltIn,
        limits: Limits::default(),
        clock: Clock::system(),
    };
    let serving = serve(reader, options).await.map_err(|problem| match problem.code {
        Code::BadInput => problem.next("Choose another port, or end what listens there."),
        _ => problem,
    })?;
    let (address, code) = match serving.url.split_once("#code=") {
        Some((address, code)) => (address.to_owned(), OneTimeCode::Fresh(code.to_owned())),
        None => (serving.url.clone(), OneTimeCode::Used),
    };
    Ok(Opened { serving, address, code })
}

/// Closes a door, and waits until its port is free again.
async fn close(opened: Option<Opened>) {
    if let Some(Opened { serving, .. }) = opened {
        serving.close();
        let _ = serving.done.await;
    }
}
