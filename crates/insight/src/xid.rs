//! XIDs, the error codes of NVIDIA's driver: what each is and what to do about it.

use crate::draft::Cause;
use std::{collections::BTreeMap, sync::OnceLock};

/// Codes with their source on each row.
const TABLE: &str = include_str!("../../../assets/xid.csv");

/// What a code means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Xid {
    /// The driver's name of it; empty where it has none.
    pub mnemonic: &'static str,
    /// What to do.
    pub remedy: Remedy,
    /// Can the GPU not be used until that is done?
    pub fatal: bool,
    /// Where the row is from.
    pub source: &'static str,
}

/// What to do about a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// Nothing: it tells of something that is over.
    Ignore,
    /// The program is hit, the GPU is not.
    RestartProgram,
    /// The GPU needs a reset.
    ResetGpu,
    /// The machine needs a restart.
    RestartMachine,
    /// The virtual machine needs a restart.
    RestartVirtualMachine,
    /// It is a symptom of the code before it.
    LookBefore,
    /// An uncorrectable error of its memory: codes near it say whether it was mended.
    MemoryError,
    /// A link to another GPU or switch.
    Links,
    /// Power cables and seat.
    CheckMechanics,
    /// Driver or firmware is too old, or does not fit.
    Update,
    /// The driver's unified memory.
    CheckUnifiedMemory,
    /// It repeats what another code asks for.
    FollowOther,
    /// Not expected on any product: for the vendor.
    AskVendor,
    /// Its power is not smoothed any more: it works, and its site sees the swings.
    PowerSmoothing,
    /// Bad memory cannot be mapped away while ECC is off.
    EnableEcc,
    /// The vendor's catalogue has the code, and names nothing to do.
    Unnamed,
}

impl Remedy {
    /// The word in the table.
    fn read(word: &str) -> Option<Self> {
        Some(match word {
            "IGNORE" => Self::Ignore,
            "RESTART_APP" => Self::RestartProgram,
            "RESET_GPU" => Self::ResetGpu,
            "RESTART_BM" => Self::RestartMachine,
            "RESTART_VM" => Self::RestartVirtualMachine,
            "WORKFLOW_XID_45" => Self::LookBefore,
            "WORKFLOW_XID_48" => Self::MemoryError,
            "WORKFLOW_NVLINK_ERR" | "WORKFLOW_NVLINK5_ERR" => Self::Links,
            "CHECK_MECHANICALS" => Self::CheckMechanics,
            "UPDATE_SWFW" => Self::Update,
            "CHECK_UVM" => Self::CheckUnifiedMemory,
            "FOLLOW_OTHER_XID" => Self::FollowOther,
            "UNEXPECTED_ERR_REPORT_ISSUE" => Self::AskVendor,
            "POWER_SMOOTHING" => Self::PowerSmoothing,
            "ENABLE_ECC" => Self::EnableEcc,
            "NO_ACTION_NAMED" => Self::Unnamed,
            _ => return None,
        })
    }

    /// What to do, for people.
    pub(crate) fn advice(self) -> &'static str {
        match self {
            Self::Ignore => "Nothing is to be done.",
            Self::RestartProgram => {
                "Restart the workload that ran on it. If the code comes back with other workloads, drain the node and \
                 reset the GPU."
            }
            Self::ResetGpu => {
                "Cordon and drain the node, then reset the GPU. If the code comes back, have the GPU exchanged."
            }
            Self::RestartMachine => {
                "Cordon and drain the node, then power-cycle the machine. If it happens again, have the GPU and its \
                 slot checked."
            }
            Self::RestartVirtualMachine => "Cordon and drain the node, then restart its virtual machine.",
            Self::LookBefore => {
                "Look for the XID before it in the node's kernel log: this one only says that a program was cleared away."
            }
            Self::MemoryError => {
                "Cordon and drain the node. Look for XID 63, 64, 94 or 95 near it in the kernel log: they say whether \
                 the memory was mended. Then reset the GPU."
            }
            Self::Links => {
                "Cordon and drain the node. Read the link states with nvidia-smi nvlink --status and the log of the \
                 fabric manager, then reset all GPUs of the node together."
            }
            Self::CheckMechanics => "Cordon and drain the node. Have the GPU's power cables and its seat checked.",
            Self::Update => "Bring driver and firmware to versions that fit each other.",
            Self::CheckUnifiedMemory => "Look for errors of nvidia-uvm in the node's kernel log.",
            Self::FollowOther => {
                "Follow the other XID of this GPU in the node's kernel log: this one repeats its remedy."
            }
            Self::AskVendor => {
                "Cordon and drain the node, keep the output of nvidia-bug-report.sh, and ask the vendor."
            }
            Self::PowerSmoothing => {
                "See whether the site bears the swings of its power. If not, look for heat, and have a GPU exchanged \
                 whose smoothing is worn out."
            }
            Self::EnableEcc => {
                "Cordon and drain the node, switch the GPU's ECC on, so that bad rows are mapped away, and restart the \
                 machine."
            }
            Self::Unnamed => {
                "NVIDIA's catalogue names nothing to do. Keep the node's kernel log, and ask the vendor if it comes back."
            }
        }
    }
}

/// What is known of a code; `None` for one that is in no table.
pub(crate) fn lookup(code: u32) -> Option<Xid> {
    static PARSED: OnceLock<BTreeMap<u32, Xid>> = OnceLock::new();
    PARSED.get_or_init(|| TABLE.lines().filter_map(row).collect()).get(&code).copied()
}

fn row(line: &'static str) -> Option<(u32, Xid)> {
    let mut cells = line.split(',');
    let mut cell = || cells.next();
    let (code, mnemonic, remedy, fatal, source) = (cell()?, cell()?, cell()?, cell()?, cell()?);
    Some((code.parse().ok()?, Xid { mnemonic, remedy: Remedy::read(remedy)?, fatal: fatal == "FATAL", source }))
}

/// The kind of cause behind a code.
pub(crate) fn cause(code: u32) -> Cause {
    match code {
        // Memory errors, contained or not, what became of the rows and of the channels.
        48 | 63 | 64 | 92 | 94 | 95 | 140 | 156 | 157 | 160 | 161 | 168 | 171 | 172 => Cause::Memory,
        54 | 79 | 80 | 167 => Cause::Bus,
        74 | 137 | 144..=150 | 155 | 166 | 170 => Cause::Links,
        _ => match lookup(code).map(|xid| xid.remedy) {
            Some(Remedy::RestartProgram | Remedy::LookBefore) => Cause::Program,
            _ => Cause::Driver,
        },
    }
}

/// The driver's name in words: "GPU has fallen off the bus".
pub(crate) fn in_words(xid: Xid) -> String {
    let bare = xid.mnemonic.trim_start_matches("ROBUST_CHANNEL_");
    bare.to_ascii_lowercase().replace('_', " ").replace("gpu", "GPU").replace("nvlink", "NVLink")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_is_read_and_names_its_source() {
        let codes: Vec<u32> = (1..200).filter(|code| lookup(*code).is_some()).collect();
        assert_eq!(codes, (1..=172).collect::<Vec<_>>());
        assert_eq!(codes.len(), TABLE.lines().count() - 1);
        for code in codes {
            let from = if code <= 162 { "xiderrorsmapping.csv" } else { "analyzing-xid-catalog.html" };
            assert!(lookup(code).unwrap().source.contains(from), "{code}");
        }
    }

    #[test]
    fn codes_have_their_remedy_and_their_cause() {
        for (code, remedy, fatal, of) in [
            (31, Remedy::RestartProgram, false, Cause::Program),
            (43, Remedy::Ignore, false, Cause::Driver),
            (48, Remedy::MemoryError, true, Cause::Memory),
            (74, Remedy::Links, true, Cause::Links),
            (79, Remedy::RestartMachine, true, Cause::Bus),
            (94, Remedy::RestartProgram, false, Cause::Memory),
            (95, Remedy::ResetGpu, true, Cause::Memory),
            (119, Remedy::ResetGpu, true, Cause::Driver),
            (154, Remedy::FollowOther, false, Cause::Driver),
            (165, Remedy::PowerSmoothing, false, Cause::Driver),
            (166, Remedy::Unnamed, false, Cause::Links),
            (167, Remedy::Unnamed, true, Cause::Bus),
            (168, Remedy::EnableEcc, false, Cause::Memory),
            (171, Remedy::MemoryError, true, Cause::Memory),
        ] {
            let xid = lookup(code).unwrap();
            assert_eq!((xid.remedy, xid.fatal, cause(code)), (remedy, fatal, of), "{code}");
        }
    }

    #[test]
    fn a_mnemonic_reads_as_words() {
        assert_eq!(in_words(lookup(79).unwrap()), "GPU has fallen off the bus");
    }
}
