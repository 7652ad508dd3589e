//! Cells in blocks, blocks in groups: GPUs of nodes of pools.

use crate::sheet::{Area, BODY, Drawn, Face, Fill, LINE, MARGIN, Sheet, cut, write};
use plotters::prelude::DrawingBackend;

/// A map of cells.
#[derive(Clone, Debug, Default)]
pub struct Cells {
    /// What stands around it.
    pub sheet: Sheet,
    /// The groups.
    pub groups: Vec<Group>,
    /// The side of a cell in pixels.
    pub side: i32,
}

/// A group with its name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    /// Its name, and what is to be said of it.
    pub title: String,
    /// Its blocks.
    pub blocks: Vec<Block>,
}

/// A block: the GPUs of a node, four in a line.
pub type Block = Vec<Fill>;

const WIDTH: i32 = 960;
const ACROSS: i32 = 4;
const GAP: i32 = 1;
const BETWEEN: i32 = 5;
const AFTER: i32 = 14;

impl Cells {
    /// It as SVG.
    #[must_use]
    pub fn svg(&self) -> String {
        let height: i32 = self.groups.iter().map(|group| self.height(group)).sum();
        self.sheet.svg(WIDTH, height.max(LINE), |area, top| self.draw(area, top))
    }

    /// Width and height of the largest block of a group, gaps included: blocks stand in lines and columns.
    fn pitch(&self, group: &Group) -> (i32, i32) {
        let most = group.blocks.iter().map(Vec::len).max().unwrap_or(1);
        let most = i32::try_from(most).unwrap_or(ACROSS).max(1);
        let (across, down) = (most.min(ACROSS), lines(most, ACROSS));
        (across * (self.side + GAP) - GAP + BETWEEN, down * (self.side + GAP) - GAP + BETWEEN)
    }

    fn height(&self, group: &Group) -> i32 {
        let (wide, high) = self.pitch(group);
        let a_line = ((WIDTH - 2 * MARGIN) / wide).max(1);
        let blocks = i32::try_from(group.blocks.len()).unwrap_or(0);
        LINE + 2 + lines(blocks, a_line) * high + AFTER
    }

    fn draw<B: DrawingBackend>(&self, area: &Area<B>, top: i32) -> Drawn<B> {
        if self.groups.is_empty() {
            return write(area, "Nothing to show.", BODY, Face::SOFT, (MARGIN, top));
        }
        let mut y = top;
        for group in &self.groups {
            write(area, &cut(&group.title, BODY, WIDTH - 2 * MARGIN), BODY, Face::STRONG, (MARGIN, y))?;
            let (wide, high) = self.pitch(group);
            let a_line = ((WIDTH - 2 * MARGIN) / wide).max(1);
            for (at, block) in (0..).zip(&group.blocks) {
                let (x, y) = (MARGIN + at % a_line * wide, y + LINE + 2 + at / a_line * high);
                for (cell, fill) in (0..).zip(block) {
                    let step = self.side + GAP;
                    fill.draw(area, (x + cell % ACROSS * step, y + cell / ACROSS * step), (self.side, self.side))?;
                }
            }
            y += self.height(group);
        }
        Ok(())
    }
}

/// How many lines so many things fill.
fn lines(things: i32, a_line: i32) -> i32 {
    (things + a_line - 1) / a_line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paper;

    #[test]
    fn each_gpu_is_a_cell_and_no_cell_leaves_the_sheet() {
        let block = || vec![Fill::Solid(paper::HELD); 8];
        let groups = vec![Group { title: "iad-prod › a100".into(), blocks: (0..100).map(|_| block()).collect() }];
        let svg = Cells { sheet: Sheet::default(), groups, side: 6 }.svg();
        let held: Vec<&str> = svg.split("<rect").filter(|rect| rect.contains("#2078A4")).collect();
        assert_eq!(held.len(), 800);
        let number = |rect: &str, name: &str| -> i32 {
            rect.split(&format!(" {name}=\"")).nth(1).unwrap().split('"').next().unwrap().parse().unwrap()
        };
        let height = number(&svg, "height");
        assert!(held.iter().all(|rect| number(rect, "x") + 6 <= WIDTH - MARGIN), "{svg}");
        assert!(held.iter().all(|rect| number(rect, "y") + 6 <= height - MARGIN), "{svg}");
    }
}
