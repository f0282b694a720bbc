//! The nodes of a tree, and what each does by itself: children in and out, splits and joins.
//!
//! Knows no way through the tree; next: [`super::tree`].

use super::page::{MAX_BYTES, Page, grow};
use super::score::Key;
use smallvec::SmallVec;
use std::ops::Range;
use std::sync::Arc;

/// Most children of an inner node.
const MAX_CHILDREN: usize = 64;

/// What a node takes beside its buffers: itself, its counts, and the allocator's share.
const NODE_OVERHEAD: usize = size_of::<Node>() + 2 * size_of::<usize>() + 48;

#[derive(Debug, Clone)]
pub(super) enum Node {
    Leaf(Page),
    Inner(Inner),
}

#[derive(Debug, Clone, Default)]
pub(super) struct Inner {
    /// One less than children.
    separators: Page,
    pub(super) children: Vec<Child>,
}

#[derive(Debug, Clone)]
pub(super) struct Child {
    pub(super) count: usize,
    pub(super) node: Arc<Node>,
}

/// What a full node gave off: to stand behind it.
pub(super) struct Split {
    pub(super) separator: Separator,
    pub(super) right: Child,
}

/// A separator of its own.
pub(super) struct Separator {
    score: f64,
    member: SmallVec<[u8; 64]>,
}

/// Whether a node is the first, or the last, of its level.
#[derive(Clone, Copy)]
pub(super) struct Edges {
    pub(super) first: bool,
    pub(super) last: bool,
}

/// The tree's bytes while it changes.
pub(super) struct Account {
    pub(super) bytes: usize,
}

impl Account {
    pub(super) fn of(bytes: usize) -> Self {
        Account { bytes }
    }
    pub(super) fn add(&mut self, bytes: usize) {
        self.bytes += bytes;
    }
    pub(super) fn take(&mut self, bytes: usize) {
        self.bytes -= bytes;
    }
}

impl Node {
    /// Bytes of this node alone.
    #[inline]
    pub(super) fn own_bytes(&self) -> usize {
        NODE_OVERHEAD
            + match self {
                Node::Leaf(page) => page.heap_bytes(),
                Node::Inner(inner) => {
                    inner.separators.heap_bytes() + inner.children.capacity() * size_of::<Child>()
                }
            }
    }

    /// Bytes of this node and all below it.
    pub(super) fn all_bytes(&self) -> usize {
        let below = match self {
            Node::Leaf(_) => 0,
            Node::Inner(inner) => inner.children.iter().map(|c| c.node.all_bytes()).sum(),
        };
        self.own_bytes() + below
    }

    /// The first element below it.
    pub(super) fn first(&self) -> Option<Key<'_>> {
        match self {
            Node::Leaf(page) => (page.len() > 0).then(|| page.get(0)),
            Node::Inner(inner) => inner.children.first()?.node.first(),
        }
    }

    /// So little is in it that it is joined with a neighbour, if that has room.
    fn is_sparse(&self) -> bool {
        match self {
            Node::Leaf(page) => page.filled() < MAX_BYTES / 4,
            Node::Inner(inner) => inner.children.len() < MAX_CHILDREN / 4,
        }
    }

    /// Whether two neighbours fit well into one.
    fn joins(&self, other: &Node) -> bool {
        match (self, other) {
            (Node::Leaf(a), Node::Leaf(b)) => a.filled() + b.filled() <= MAX_BYTES * 3 / 4,
            (Node::Inner(a), Node::Inner(b)) => {
                a.children.len() + b.children.len() <= MAX_CHILDREN * 3 / 4
                    && a.separators.filled() + b.separators.filled() <= MAX_BYTES * 3 / 4
            }
            _ => false,
        }
    }

    /// Elements, bytes and depth; panics where the tree is none.
    #[cfg(test)]
    pub(super) fn check(&self) -> (usize, usize, usize) {
        let Node::Inner(inner) = self else {
            let Node::Leaf(page) = self else { unreachable!() };
            assert!((1..page.len()).all(|i| page.get(i - 1).is_before(&page.get(i))));
            return (page.len(), self.own_bytes(), 0);
        };
        assert_eq!(inner.separators.len() + 1, inner.children.len());
        assert!(inner.children.len() <= MAX_CHILDREN);
        let (mut count, mut bytes, mut depths) = (0, self.own_bytes(), Vec::new());
        for (at, child) in inner.children.iter().enumerate() {
            let (held, more, depth) = child.node.check();
            assert_eq!(held, child.count);
            assert!(held > 0);
            if at > 0 {
                let separator = inner.separators.get(at - 1);
                assert!(inner.children[at - 1].node.end(true).is_before(&separator));
                assert!(!child.node.end(false).is_before(&separator));
            }
            (count, bytes) = (count + held, bytes + more);
            depths.push(depth);
        }
        assert!(depths.iter().all(|depth| *depth == depths[0]));
        (count, bytes, depths[0] + 1)
    }

    /// The last or the first element.
    #[cfg(test)]
    fn end(&self, last: bool) -> Key<'_> {
        match self {
            Node::Leaf(page) => page.get(if last { page.len() - 1 } else { 0 }),
            Node::Inner(inner) => {
                inner.children[if last { inner.children.len() - 1 } else { 0 }].node.end(last)
            }
        }
    }
}

impl Inner {
    /// The child that `key` belongs to.
    #[inline]
    pub(super) fn child_of(&self, key: &Key<'_>) -> usize {
        self.separators.rank_behind(key)
    }

    /// Elements in the children before one.
    #[inline]
    pub(super) fn count_before(&self, at: usize) -> usize {
        self.children[..at].iter().map(|child| child.count).sum()
    }

    /// The child with the element of a rank, and how many elements stand before that child.
    #[inline]
    pub(super) fn child_at(&self, rank: usize) -> (usize, usize) {
        let (mut at, mut before) = (0, 0);
        while before + self.children[at].count <= rank {
            before += self.children[at].count;
            at += 1;
        }
        (at, before)
    }

    /// Puts a child at a place, behind its separator; the first one has none.
    pub(super) fn add(&mut self, at: usize, child: Child, separator: Option<&Separator>) {
        if let Some(separator) = separator {
            self.separators.insert(at - 1, &separator.as_key());
        }
        grow(&mut self.children, 1, 4);
        self.children.insert(at, child);
    }

    /// Puts a child in and returns what had to go for it.
    pub(super) fn add_or_split(&mut self, at: usize, split: Split, edges: Edges) -> Option<Split> {
        let Split { separator, right } = split;
        if self.children.len() < MAX_CHILDREN && self.separators.has_room(&separator.as_key()) {
            self.add(at, right, Some(&separator));
            return None;
        }
        let len = self.children.len();
        let cut = if at == len && edges.last {
            len - 1
        } else if len >= MAX_CHILDREN {
            len / 2
        } else {
            self.separators.middle().max(1)
        };
        let (raised, mut rest) = self.split_off(cut);
        if at <= cut {
            self.add(at, right, Some(&separator));
        } else {
            rest.add(at - cut, right, Some(&separator));
        }
        let count = rest.children.iter().map(|child| child.count).sum();
        let right = Child { count, node: Arc::new(Node::Inner(rest)) };
        Some(Split { separator: raised, right })
    }

    /// Cuts before a child; what is behind it, and the separator between.
    fn split_off(&mut self, cut: usize) -> (Separator, Inner) {
        let separators = self.separators.split_off(cut);
        let raised = Separator::from(self.separators.get(cut - 1));
        self.separators.remove(cut - 1..cut);
        self.separators.fit();
        let children = self.children.split_off(cut);
        self.children.shrink_to_fit();
        (raised, Inner { separators, children })
    }

    /// Takes children out, each with a separator beside it.
    pub(super) fn take(&mut self, range: Range<usize>) {
        if range.is_empty() {
            return;
        }
        let first = if range.start == 0 { 0 } else { range.start - 1 };
        let last = (first + range.len()).min(self.separators.len());
        self.separators.remove(first..last);
        self.children.drain(range);
        if self.children.capacity() > self.children.len() * 2 + 8 {
            self.children.shrink_to_fit();
        }
    }

    /// Joins a child that has become small with a neighbour.
    pub(super) fn mend(&mut self, at: usize, account: &mut Account) {
        let Some(child) = self.children.get(at) else { return };
        if !child.node.is_sparse() {
            return;
        }
        let joins = |left: usize| {
            self.children
                .get(left + 1)
                .is_some_and(|right| self.children[left].node.joins(&right.node))
        };
        let left = if at > 0 && joins(at - 1) {
            at - 1
        } else if joins(at) {
            at
        } else {
            return;
        };
        self.join(left, account);
    }

    /// Puts what is in a child's right neighbour into it.
    fn join(&mut self, left: usize, account: &mut Account) {
        let right = self.children[left + 1].clone();
        let separator = Separator::from(self.separators.get(left));
        let child = &mut self.children[left];
        account.take(child.node.own_bytes() + right.node.own_bytes());
        child.count += right.count;
        match (Arc::make_mut(&mut child.node), &*right.node) {
            (Node::Leaf(page), Node::Leaf(other)) => page.extend(other, 0..other.len()),
            (Node::Inner(inner), Node::Inner(other)) => {
                inner.separators.insert(inner.separators.len(), &separator.as_key());
                inner.separators.extend(&other.separators, 0..other.separators.len());
                grow(&mut inner.children, other.children.len(), 4);
                inner.children.extend_from_slice(&other.children);
            }
            _ => {}
        }
        account.add(child.node.own_bytes());
        self.take(left + 1..left + 2);
    }
}

impl Edges {
    /// Of a child.
    pub(super) fn of_child(self, at: usize, children: usize) -> Edges {
        Edges { first: self.first && at == 0, last: self.last && at + 1 == children }
    }
}

impl Separator {
    /// The shortest that tells the two apart, the first of which stands before the other.
    pub(super) fn between(left: &Key<'_>, right: &Key<'_>) -> Separator {
        let same = || left.member.iter().zip(right.member).take_while(|(a, b)| a == b).count();
        let len = if left.score < right.score { 0 } else { same() + 1 };
        Separator { score: right.score, member: SmallVec::from_slice(&right.member[..len]) }
    }

    pub(super) fn as_key(&self) -> Key<'_> {
        Key::new(self.score, &self.member)
    }
}

impl From<Key<'_>> for Separator {
    fn from(key: Key<'_>) -> Self {
        Separator { score: key.score, member: SmallVec::from_slice(key.member) }
    }
}
