//! One GPU, asked by a thread of its own: who it is, and what is measured of it.

use crate::reading::{self, Absent, Read};
use nvml_wrapper::{Device, Nvml};
use pilothouse_connect::Clock;
use pilothouse_wire::{SmolStr, Stamp};
use std::{
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel},
    },
    thread,
    time::Duration,
};

/// MIG instances can be made and removed at any time: who a GPU is, is asked anew every so many rounds.
const ANEW: u32 = 15;

/// Who a GPU is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// Source: `nvmlDeviceGetUUID`.
    pub uuid: SmolStr,
    /// Its number in NVML, as `nvidia-smi` shows it.
    pub index: u32,
    /// Source: `nvmlDeviceGetPciInfo`.
    pub pci: Option<SmolStr>,
    /// Source: `nvmlDeviceGetName`.
    pub product: Option<SmolStr>,
    /// Profiles of its MIG instances, such as `1g.10gb`, one an instance; `None` where MIG is off or unknown to it.
    pub slices: Option<Vec<SmolStr>>,
}

/// A GPU that was measured.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measured {
    pub identity: Identity,
    /// When its measurement began, by our clock: NVML is on this machine.
    pub at: Stamp,
    pub read: Read,
    /// Processes that use it now. Names are not asked for.
    pub processes: Option<u32>,
    /// The numbers of those that compute on it, as the driver counts them: in a container they may be those of the machine.
    pub computing: Option<Vec<u32>>,
}

/// What came of asking a GPU once.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    /// It was measured.
    Measured(Box<Measured>),
    /// It is lost: fallen off its bus, says the driver.
    Lost,
    /// It gave no answer in time; nobody asks it again before it has.
    Silent,
    /// Nothing of it could be read, in NVML's words.
    Failed(String),
}

/// The way to a GPU's thread. The thread ends when this is dropped, or when NVML lets it go.
#[derive(Debug)]
pub struct Gpu {
    ask: SyncSender<()>,
    answers: Receiver<Seen>,
    /// Is an answer still to come?
    owed: bool,
}

impl Gpu {
    /// Starts the thread of the GPU with this number.
    pub fn start(nvml: Arc<Nvml>, index: u32, clock: Clock) -> std::io::Result<Self> {
        let (ask, asked) = sync_channel::<()>(1);
        let (answer, answers) = sync_channel(1);
        thread::Builder::new().name(format!("nvml-gpu-{index}")).spawn(move || {
            let (mut known, mut rounds) = (None, 0_u32);
            while asked.recv().is_ok() {
                if rounds.is_multiple_of(ANEW) {
                    known = None;
                }
                rounds = rounds.wrapping_add(1);
                if answer.send(look(&nvml, index, &mut known, &clock)).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { ask, answers, owed: false })
    }

    /// Asks it, unless it still owes an answer. An answer that comes too late is of its time, and dropped.
    pub fn ask(&mut self) {
        if self.owed && !matches!(self.answers.try_recv(), Err(TryRecvError::Empty)) {
            self.owed = false;
        }
        if !self.owed {
            // If its thread is gone, waiting for the answer tells.
            let _ = self.ask.try_send(());
        }
    }

    /// Is an answer of an earlier round still to come?
    pub fn owes(&self) -> bool {
        self.owed
    }

    /// Waits for the answer.
    pub fn answer(&mut self, limit: Duration) -> Seen {
        self.owed = false;
        match self.answers.recv_timeout(limit) {
            Ok(seen) => seen,
            Err(RecvTimeoutError::Timeout) => {
                self.owed = true;
                Seen::Silent
            }
            Err(RecvTimeoutError::Disconnected) => Seen::Failed("its thread ended".to_owned()),
        }
    }
}

fn look(nvml: &Nvml, index: u32, known: &mut Option<Identity>, clock: &Clock) -> Seen {
    let at = clock.now();
    let seen = (|| {
        let device = nvml.device_by_index(index).map_err(Absent::from)?;
        let identity = match known {
            Some(identity) => identity.clone(),
            None => known.insert(identity(&device, index)?).clone(),
        };
        let read = reading::read(&device);
        if read.says_lost() {
            return Err(Absent::Lost);
        }
        if let Some(words) = read.failure() {
            return Err(Absent::Failed(words));
        }
        let computing = computing(&device);
        let processes = processes(&device, computing.as_deref());
        Ok(Seen::Measured(Box::new(Measured { identity, at, read, processes, computing })))
    })();
    seen.unwrap_or_else(|why| {
        // After a reset it may be another one.
        *known = None;
        match why {
            Absent::Lost => Seen::Lost,
            Absent::Failed(words) => Seen::Failed(words),
            other => Seen::Failed(other.why().unwrap_or_default().trim_end_matches('.').to_owned()),
        }
    })
}

fn identity(device: &Device<'_>, index: u32) -> Result<Identity, Absent> {
    Ok(Identity {
        uuid: SmolStr::from(device.uuid()?),
        index,
        pci: device.pci_info().ok().map(|pci| SmolStr::from(pci.bus_id)),
        product: device.name().ok().filter(|name| !name.is_empty()).map(SmolStr::from),
        slices: slices(device),
    })
}

/// The profiles of its MIG instances, by their names: `NVIDIA H100 80GB HBM3 MIG 1g.10gb`.
fn slices(device: &Device<'_>) -> Option<Vec<SmolStr>> {
    if device.mig_mode().ok()?.current != 1 {
        return None;
    }
    let places = 0..device.mig_device_count().unwrap_or(0);
    let instances = places.filter_map(|place| device.mig_device_by_index(place).ok());
    let named = |instance: Device<'_>| {
        let name = instance.name().unwrap_or_default();
        name.rsplit_once("MIG ").map_or(SmolStr::new_static("unknown"), |(_, profile)| SmolStr::new(profile.trim()))
    };
    Some(instances.map(named).collect())
}

fn computing(device: &Device<'_>) -> Option<Vec<u32>> {
    let all = device.running_compute_processes().ok()?;
    Some(all.iter().map(|process| process.pid).collect())
}

fn processes(device: &Device<'_>, computing: Option<&[u32]>) -> Option<u32> {
    let known = computing.map(|all| Ok(u32::try_from(all.len()).unwrap_or(u32::MAX)));
    let compute = known.unwrap_or_else(|| device.running_compute_processes_count());
    match (compute, device.running_graphics_processes_count()) {
        (Ok(compute), graphics) => Some(compute.saturating_add(graphics.unwrap_or(0))),
        (Err(_), Ok(graphics)) => Some(graphics),
        (Err(_), Err(_)) => None,
    }
}
