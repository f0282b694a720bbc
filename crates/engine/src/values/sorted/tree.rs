//! A B+tree of elements in order, whose nodes count what is below them.
//!
//! ```text
//! inner node   separators   s1   s2   s3        a page
//!              children   c0   c1   c2   c3     each with the number of its elements
//! leaf         a page
//! ```
//! All in c1 stand before s2, and none before s1. A separator is as short as that allows: the
//! score alone where scores differ, else the beginning of a member. All leaves are equally deep.
//! A place is found, by order or by rank, in O(log n); ranges of scores and of members are ranges
//! of ranks, so they are counted and removed without visiting their elements one by one.
//!
//! **Copies.** Nodes are reference-counted. A copy of the tree is its root, O(1); a change copies
//! the nodes on its way that are shared, and changes the others in place.
//!
//! Nodes are split where they are full (at the end of the tree without moving anything, so
//! that ascending elements fill them) and joined with a neighbour when both have become small.
//! `bytes` follows every change. Knows no members by name and no key of the keyspace; next:
//! [`super::cursor`] walks, [`super::big`] adds the table of members.

use super::node::{Account, Child, Edges, Inner, Node, Separator, Split};
use super::page::Page;
use super::score::Key;
use std::ops::Range;
use std::sync::Arc;

/// Elements in order. A copy shares the nodes until one of the two changes them.
#[derive(Debug, Clone)]
pub struct Tree {
    pub(super) root: Arc<Node>,
    len: usize,
    bytes: usize,
}

impl Default for Tree {
    fn default() -> Self {
        let root = Node::Leaf(Page::default());
        let bytes = root.own_bytes();
        Tree { root: Arc::new(root), len: 0, bytes }
    }
}

impl Tree {
    /// Elements.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes that the nodes take. O(1).
    #[inline]
    pub fn bytes(&self) -> u64 {
        self.bytes as u64
    }

    /// How many elements stand before `key`, which need not be there.
    pub fn rank(&self, key: &Key<'_>) -> usize {
        let (mut node, mut rank) = (&*self.root, 0);
        loop {
            match node {
                Node::Leaf(page) => return rank + page.rank(key),
                Node::Inner(inner) => {
                    let at = inner.child_of(key);
                    rank += inner.count_before(at);
                    node = &inner.children[at].node;
                }
            }
        }
    }

    /// The element of a rank, from 0.
    pub fn get(&self, rank: usize) -> Option<Key<'_>> {
        let (mut node, mut rank) = (&*self.root, rank);
        if rank >= self.len {
            return None;
        }
        loop {
            match node {
                Node::Leaf(page) => return Some(page.get(rank)),
                Node::Inner(inner) => {
                    let (at, before) = inner.child_at(rank);
                    rank -= before;
                    node = &inner.children[at].node;
                }
            }
        }
    }

    /// Adds an element that is not there.
    pub fn insert(&mut self, key: &Key<'_>) {
        let mut account = Account::of(self.bytes);
        let edges = Edges { first: true, last: true };
        if let Some(split) = insert(&mut self.root, key, edges, &mut account) {
            let left = Child { count: self.len + 1 - split.right.count, node: self.root.clone() };
            let mut inner = Inner::default();
            inner.add(0, left, None);
            inner.add(1, split.right, Some(&split.separator));
            let root = Node::Inner(inner);
            account.add(root.own_bytes());
            self.root = Arc::new(root);
        }
        self.len += 1;
        self.bytes = account.bytes;
    }

    /// Takes an element out; whether it was there.
    pub fn remove(&mut self, key: &Key<'_>) -> bool {
        if self.len < 2 {
            let is_there = self.get(0).is_some_and(|only| only == *key);
            if is_there {
                *self = Tree::default();
            }
            return is_there;
        }
        let mut account = Account::of(self.bytes);
        let was_there = remove_one(&mut self.root, key, &mut account);
        self.len -= usize::from(was_there);
        self.bytes = account.bytes;
        self.lower();
        was_there
    }

    /// Gives a member that has the score of `old` another score. In place where it stays between
    /// its neighbours.
    pub fn rescore(&mut self, old: &Key<'_>, score: f64) {
        let new = Key { score, member: old.member };
        let mut account = Account::of(self.bytes);
        let done = rescore(&mut self.root, old, &new, &mut account);
        self.bytes = account.bytes;
        if !done && self.remove(old) {
            self.insert(&new);
        }
    }

    /// Takes the elements of some ranks out. What lies wholly between them is dropped as a whole.
    pub fn remove_range(&mut self, range: Range<usize>) {
        let range = range.start..range.end.min(self.len);
        if range.is_empty() {
            return;
        }
        if range.len() == self.len {
            *self = Tree::default();
            return;
        }
        let mut account = Account::of(self.bytes);
        self.len -= range.len();
        remove(&mut self.root, range, &mut account);
        self.bytes = account.bytes;
        self.lower();
    }

    /// Lets go of a root with one child.
    fn lower(&mut self) {
        while let Node::Inner(inner) = &*self.root
            && let [only] = &inner.children[..]
        {
            let node = only.node.clone();
            self.bytes -= self.root.own_bytes();
            self.root = node;
        }
    }

    /// Frees about so many elements; whether none is left. What others share is only let go of.
    /// The tree is good for nothing else from then on.
    pub fn free_some(&mut self, budget: usize) -> bool {
        let mut left = budget.max(1);
        let done = free(&mut self.root, &mut left);
        if done {
            *self = Tree::default();
        }
        done
    }

    /// Bytes, counted anew; checks what the tree relies on.
    #[cfg(test)]
    pub(super) fn checked_bytes(&self) -> usize {
        let (count, bytes, _) = self.root.check();
        assert_eq!(count, self.len);
        bytes
    }
}

/// Adds an element below a node.
fn insert(
    node: &mut Arc<Node>,
    key: &Key<'_>,
    edges: Edges,
    account: &mut Account,
) -> Option<Split> {
    account.take(node.own_bytes());
    let node = Arc::make_mut(node);
    let split = match node {
        Node::Leaf(page) => insert_into_leaf(page, key, edges),
        Node::Inner(inner) => {
            let at = inner.child_of(key);
            let edges_of_child = edges.of_child(at, inner.children.len());
            let child = &mut inner.children[at];
            child.count += 1;
            match insert(&mut child.node, key, edges_of_child, account) {
                None => None,
                Some(split) => {
                    child.count -= split.right.count;
                    inner.add_or_split(at + 1, split, edges)
                }
            }
        }
    };
    account.add(node.own_bytes());
    if let Some(split) = &split {
        account.add(split.right.node.own_bytes());
    }
    split
}

fn insert_into_leaf(page: &mut Page, key: &Key<'_>, edges: Edges) -> Option<Split> {
    let at = page.rank(key);
    if page.has_room(key) {
        page.insert(at, key);
        return None;
    }
    let right = if at == page.len() && edges.last {
        // It is done growing.
        page.fit();
        let mut right = Page::default();
        right.insert(0, key);
        right
    } else if at == 0 && edges.first {
        let mut right = std::mem::take(page);
        right.fit();
        page.insert(0, key);
        right
    } else {
        let cut = page.middle();
        let mut right = page.split_off(cut);
        match at.checked_sub(cut) {
            Some(at) if at > 0 => right.insert(at, key),
            _ => page.insert(at, key),
        }
        right
    };
    let separator = Separator::between(&page.get(page.len() - 1), &right.get(0));
    let right = Child { count: right.len(), node: Arc::new(Node::Leaf(right)) };
    Some(Split { separator, right })
}

/// Puts `new` in the place of `old` where both belong into one leaf; whether they do.
fn rescore(node: &mut Arc<Node>, old: &Key<'_>, new: &Key<'_>, account: &mut Account) -> bool {
    if let Node::Inner(inner) = &**node
        && inner.child_of(old) != inner.child_of(new)
    {
        return false;
    }
    if let Node::Leaf(page) = &**node
        && !page.has_room(new)
    {
        return false;
    }
    account.take(node.own_bytes());
    let node = Arc::make_mut(node);
    let done = match node {
        Node::Leaf(page) => {
            let at = page.rank(old);
            let is_there = at < page.len() && page.get(at) == *old;
            if is_there {
                page.remove(at..at + 1);
                page.insert(page.rank(new), new);
            }
            is_there
        }
        Node::Inner(inner) => {
            let at = inner.child_of(old);
            rescore(&mut inner.children[at].node, old, new, account)
        }
    };
    account.add(node.own_bytes());
    done
}

/// Takes an element out from below a node that has others; whether it was there.
fn remove_one(node: &mut Arc<Node>, key: &Key<'_>, account: &mut Account) -> bool {
    account.take(node.own_bytes());
    let node = Arc::make_mut(node);
    let was_there = match node {
        Node::Leaf(page) => {
            let at = page.rank(key);
            let is_there = at < page.len() && page.get(at) == *key;
            if is_there {
                page.remove(at..at + 1);
            }
            is_there
        }
        Node::Inner(inner) => {
            let at = inner.child_of(key);
            let child = &mut inner.children[at];
            if child.count > 1 {
                let was_there = remove_one(&mut child.node, key, account);
                child.count -= usize::from(was_there);
                inner.mend(at + 1, account);
                inner.mend(at, account);
                was_there
            } else {
                let is_there = child.node.first().is_some_and(|only| only == *key);
                if is_there {
                    account.take(child.node.all_bytes());
                    inner.take(at..at + 1);
                    inner.mend(at, account);
                    inner.mend(at.saturating_sub(1), account);
                }
                is_there
            }
        }
    };
    account.add(node.own_bytes());
    was_there
}

/// Takes the elements of some ranks out from below a node, but not all.
fn remove(node: &mut Arc<Node>, range: Range<usize>, account: &mut Account) {
    account.take(node.own_bytes());
    let node = Arc::make_mut(node);
    match node {
        Node::Leaf(page) => page.remove(range),
        Node::Inner(inner) => {
            let (first, before) = inner.child_at(range.start);
            let (mut whole, mut start) = (first..first, before);
            for at in first..inner.children.len() {
                let child = &mut inner.children[at];
                let end = start + child.count;
                if start >= range.end {
                    break;
                }
                if range.start <= start && end <= range.end {
                    whole = if whole.is_empty() { at..at + 1 } else { whole.start..at + 1 };
                    account.take(child.node.all_bytes());
                } else {
                    let part = range.start.max(start) - start..range.end.min(end) - start;
                    child.count -= part.len();
                    remove(&mut child.node, part, account);
                }
                start = end;
            }
            let gap = if whole.is_empty() { first + 1 } else { whole.start };
            inner.take(whole);
            // The second first: joining it moves what is behind.
            inner.mend(gap, account);
            inner.mend(gap.saturating_sub(1), account);
        }
    }
    account.add(node.own_bytes());
}

/// Frees nodes from the end; whether this one has nothing left below it.
fn free(node: &mut Arc<Node>, left: &mut usize) -> bool {
    let inner = match Arc::get_mut(node) {
        Some(Node::Inner(inner)) => inner,
        Some(Node::Leaf(page)) => {
            *left = left.saturating_sub(page.len().max(1));
            return true;
        }
        None => {
            *left = left.saturating_sub(1);
            return true;
        }
    };
    while let Some(child) = inner.children.last_mut() {
        if *left == 0 || !free(&mut child.node, left) {
            return false;
        }
        inner.children.pop();
    }
    true
}
