//! What exporters of other makers say of their cards, name for name: AMD's device-metrics-exporter, Intel's XPU Manager.
//!
//! Sources: ROCm/device-metrics-exporter `docs/configuration/metricslist.md` and what it prints of an MI300X; intel/xpumanager
//! `rest/prometheus_exporter/prometheus_exporter_types.py`.

use super::page::{Numbers, Page};
use crate::holders::Holder;

/// Who made a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vendor {
    /// AMD's exporter, on port 5000.
    Amd,
    /// Intel's XPU Manager, on port 29999. Its cards have two tiles.
    Intel,
}

/// A card, and who has it.
#[derive(Clone, Debug)]
pub struct Card {
    /// Its id.
    pub uuid: String,
    /// Its place on the bus.
    pub bus: String,
    /// The container that has it.
    pub holder: Option<Holder>,
    /// Share of the time in which it works.
    pub busy: f64,
    /// Memory in use, in MiB.
    pub used_mib: f64,
    /// Power in watts.
    pub watts: f64,
    /// Temperature in degrees.
    pub celsius: f64,
}

/// The exporter of a node with such cards.
#[derive(Clone, Debug)]
pub struct Cards {
    /// Whose they are.
    pub vendor: Vendor,
    /// The node's name.
    pub node: String,
    /// They.
    pub cards: Vec<Card>,
}

/// Memory of an MI300X, in MiB.
const VRAM_MIB: f64 = 196_592.0;
/// Tiles of a Max 1550.
const TILES: [&str; 2] = ["0", "1"];

impl Cards {
    /// The exporter of a node with as many cards.
    pub fn new(vendor: Vendor, node: &str, count: usize) -> Self {
        let card = |n: usize| Card {
            uuid: format!("{node}-{n:04x}-1000-80e0-c6d49f5b0d86"),
            bus: format!("0000:{:02x}:00.0", 0x1b + n * 0x11),
            holder: None,
            busy: 0.0,
            used_mib: 283.0,
            watts: 130.0,
            celsius: 38.0,
        };
        Self { vendor, node: node.to_owned(), cards: (0..count).map(card).collect() }
    }

    /// The beginning of the name of its pod.
    pub(super) fn exporter(&self) -> &'static str {
        match self.vendor {
            Vendor::Amd => "amd-gpu-device-metrics-exporter",
            Vendor::Intel => "intel-xpumanager",
        }
    }

    pub(super) fn page(&self) -> String {
        match self.vendor {
            Vendor::Amd => self.amd(),
            Vendor::Intel => self.intel(),
        }
    }

    fn amd(&self) -> String {
        type Read = fn(&Card) -> f64;
        let metrics: [(&str, &str, Read); 8] = [
            ("gpu_gfx_activity", "Graphics engine usage percentage (0 - 100)", |card| card.busy * 100.0),
            ("gpu_used_vram", "Used VRAM memory of the GPU (in MB)", |card| card.used_mib),
            ("gpu_total_vram", "Total VRAM memory of the GPU (in MB)", |_| VRAM_MIB),
            ("gpu_package_power", "Current socket power in Watts", |card| card.watts),
            ("gpu_junction_temperature", "Current junction/hotspot temperature in Celsius", |card| card.celsius),
            ("gpu_memory_temperature", "Current memory temperature in Celsius", |card| card.celsius + 4.0),
            ("pcie_replay_count", "Total PCIe replay count of the GPU", |_| 0.0),
            ("gpu_ecc_uncorrect_total", "Total uncorrectable error count", |_| 0.0),
        ];
        let mut page = Page::new(Numbers::Plain);
        for (name, help, read) in metrics {
            page.family(name, "gauge", help);
            for (n, card) in self.cards.iter().enumerate() {
                let (index, serial) = (n.to_string(), format!("6924090054{n:02}"));
                let [container, namespace, pod] = labels_of(card.holder.as_ref());
                let labels = [
                    ("card_model", "102-G30211-0C"),
                    ("card_series", "AMD Instinct MI300X OAM"),
                    ("card_vendor", "AMD"),
                    ("container", container),
                    ("driver_version", "6.12.12"),
                    ("gpu_compute_partition_type", "spx"),
                    ("gpu_id", &index),
                    ("gpu_memory_partition_type", "nps1"),
                    ("gpu_partition_id", "0"),
                    ("gpu_uuid", &card.uuid),
                    ("hostname", &self.node),
                    ("namespace", namespace),
                    ("pod", pod),
                    ("serial_number", &serial),
                ];
                page.sample(name, &labels, read(card));
            }
        }
        page.into_text()
    }

    fn intel(&self) -> String {
        let mut page = Page::new(Numbers::Python);
        let of = |card: &Card, n: usize, more: &[(&'static str, &str)]| -> Vec<(&'static str, String)> {
            let [container, namespace, pod] = labels_of(card.holder.as_ref());
            let own = [
                ("dev_file", format!("card{n}")),
                ("dev_name", "Intel(R) Data Center GPU Max 1550".to_owned()),
                ("kube_container", container.to_owned()),
                ("kube_namespace", namespace.to_owned()),
                ("kube_pod", pod.to_owned()),
                ("pci_bdf", card.bus.clone()),
                ("pci_dev", "0xbd5".to_owned()),
                ("uuid", card.uuid.clone()),
                ("vendor", "Intel(R) Corporation".to_owned()),
            ];
            own.into_iter().chain(more.iter().map(|(name, value)| (*name, (*value).to_owned()))).collect()
        };
        let mut tell = |name: &str, help: &str, more: &[&[(&'static str, &str)]], read: fn(&Card) -> f64| {
            page.family(name, "gauge", help);
            for (n, card) in self.cards.iter().enumerate() {
                for more in more {
                    let labels = of(card, n, more);
                    let labels: Vec<(&str, &str)> =
                        labels.iter().map(|(name, value)| (*name, value.as_str())).collect();
                    page.sample(name, &labels, read(card));
                }
            }
        };
        let tiles = TILES.map(|tile| [("sub_dev", tile)]);
        let tiles = [&tiles[0][..], &tiles[1][..]];
        tell("xpum_engine_ratio", "GPU active time of the elapsed time, per GPU tile", &tiles, |card| card.busy);
        tell("xpum_memory_used_bytes", "Used GPU memory (in bytes), per GPU tile", &tiles, |card| {
            card.used_mib * 1_048_576.0 / 2.0
        });
        tell("xpum_power_watts", "Avg GPU power (in watts), per GPU and per card", &[&[]], |card| card.watts);
        let heat = "Avg temperature (in Celsius degree), per GPU tile";
        let gpu = TILES.map(|tile| [("location", "gpu"), ("sub_dev", tile)]);
        tell("xpum_temperature_celsius", heat, &[&gpu[0], &gpu[1], &[("location", "mem"), ("sub_dev", "0")]], |card| {
            card.celsius
        });
        let clock = [("location", "gpu"), ("sub_dev", "0"), ("type", "actual")];
        let asked = [("location", "gpu"), ("sub_dev", "0"), ("type", "request")];
        tell("xpum_frequency_mhz", "Avg frequency (in MHz), per GPU tile", &[&clock, &asked], |_| 1_600.0);
        page.into_text()
    }
}

/// Container, namespace and pod: of a card that nobody has they are there, and empty.
fn labels_of(holder: Option<&Holder>) -> [&str; 3] {
    holder.map_or([""; 3], |holder| [&holder.container, &holder.namespace, &holder.pod])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_maker_says_its_own_names() {
        let mut amd = Cards::new(Vendor::Amd, "a-1", 1);
        amd.cards[0].busy = 0.83;
        let line = amd.page().lines().find(|line| line.starts_with("gpu_gfx_activity{")).map(str::to_owned).unwrap();
        assert!(
            line.contains("card_series=\"AMD Instinct MI300X OAM\"")
                && line.ends_with("pod=\"\",serial_number=\"692409005400\"} 83")
        );
        let mut intel = Cards::new(Vendor::Intel, "i-1", 1);
        intel.cards[0].holder = Some(Holder { namespace: "n".into(), pod: "p".into(), container: "c".into() });
        let page = intel.page();
        assert_eq!(page.lines().filter(|line| line.starts_with("xpum_engine_ratio{")).count(), 2);
        assert!(page.contains("kube_namespace=\"n\",kube_pod=\"p\"") && page.contains("sub_dev=\"1\"} 0.0"), "{page}");
    }
}
