//! Walks over a tree's elements, from any rank, in either direction.
//!
//! Knows the nodes and the root, and nothing above them.

use super::node::{Inner, Node};
use super::page::Page;
use super::score::Key;
use super::tree::Tree;
use smallvec::SmallVec;
use std::ops::Range;

/// Elements of some ranks; see [`Tree::range`]. O(1) an element.
#[derive(Debug, Clone)]
pub struct Iter<'a> {
    /// Inner nodes above the leaf, each with the place of the child that is walked.
    path: SmallVec<[(&'a Inner, usize); 6]>,
    leaf: Option<&'a Page>,
    /// The next element's place in the leaf; walking backwards, the place behind it.
    at: usize,
    left: usize,
    backwards: bool,
}

impl Tree {
    /// The elements of some ranks, ascending or, `backwards`, descending. O(log n) to begin.
    pub fn range(&self, range: Range<usize>, backwards: bool) -> Iter<'_> {
        let range = range.start..range.end.min(self.len());
        let mut iter =
            Iter { path: SmallVec::new(), leaf: None, at: 0, left: range.len(), backwards };
        if iter.left > 0 {
            let first = if backwards { range.end - 1 } else { range.start };
            iter.seek(&self.root, first);
        }
        iter
    }

    /// All elements, ascending.
    pub fn iter(&self) -> Iter<'_> {
        self.range(0..self.len(), false)
    }
}

impl<'a> Iter<'a> {
    fn seek(&mut self, root: &'a Node, rank: usize) {
        let (mut node, mut rank) = (root, rank);
        loop {
            match node {
                Node::Leaf(page) => {
                    self.leaf = Some(page);
                    self.at = rank + usize::from(self.backwards);
                    return;
                }
                Node::Inner(inner) => {
                    let (at, before) = inner.child_at(rank);
                    self.path.push((inner, at));
                    rank -= before;
                    node = &inner.children[at].node;
                }
            }
        }
    }

    /// Goes to the next leaf of the direction.
    #[cold]
    fn step(&mut self) {
        self.leaf = None;
        while let Some((inner, at)) = self.path.pop() {
            let next = if self.backwards { at.checked_sub(1) } else { Some(at + 1) };
            let Some(next) = next.filter(|&next| next < inner.children.len()) else { continue };
            self.path.push((inner, next));
            let child = &inner.children[next];
            let rank = if self.backwards { child.count - 1 } else { 0 };
            self.seek(&child.node, rank);
            return;
        }
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = Key<'a>;

    #[inline]
    fn next(&mut self) -> Option<Key<'a>> {
        if self.left == 0 {
            return None;
        }
        let mut leaf = self.leaf?;
        if self.backwards {
            if self.at == 0 {
                self.step();
                leaf = self.leaf?;
            }
            self.at -= 1;
            self.left -= 1;
            return Some(leaf.get(self.at));
        }
        if self.at == leaf.len() {
            self.step();
            leaf = self.leaf?;
        }
        self.at += 1;
        self.left -= 1;
        Some(leaf.get(self.at - 1))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Iter<'_> {}
