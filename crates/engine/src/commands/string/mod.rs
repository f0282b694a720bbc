//! Commands on strings.

pub mod append;
pub mod decr;
pub mod decrby;
pub mod delex;
pub mod delifeq;
pub mod get;
pub mod getdel;
pub mod getex;
pub mod getrange;
pub mod getset;
pub mod incr;
pub mod incrby;
pub mod incrbyfloat;
pub mod increx;
pub mod lcs;
pub mod mget;
pub mod mset;
pub mod msetex;
pub mod msetnx;
pub mod psetex;
pub mod set;
pub mod setex;
pub mod setnx;
pub mod setrange;
pub mod strlen;
pub mod substr;

#[cfg(test)]
mod tests {
    use crate::args::Args;
    use crate::command::{Command, Words};

    /// Words that a command parses to, and the words that it makes of itself.
    fn round_trip<'a, C: Command<'a>>(words: &'a [&'a [u8]]) -> Vec<Vec<u8>> {
        let mut args = Args::new(&words[1..]);
        let command = C::parse(&mut args).expect("a legal command");
        args.end().expect("no word left");
        let mut written = Words::new();
        command.words(&mut written);
        let mut keys = Vec::new();
        command.keys(&mut |key| keys.push(key));
        let mut specified = Vec::new();
        C::SPEC.each_key(words, |at, _| specified.push(words[at]));
        assert_eq!(keys, specified, "{}", C::SPEC.name);
        written.as_slices().iter().map(|word| word.to_vec()).collect()
    }

    macro_rules! inverse {
        ($($module:ident :: $type:ident: $($line:literal),+;)+) => {$($(
            let words: Vec<&[u8]> = $line.split(' ').map(str::as_bytes).collect();
            let written = round_trip::<super::$module::$type<'_>>(&words);
            let expected: Vec<&[u8]> = words[1..].to_vec();
            assert_eq!(written, expected, "{}", $line);
        )+)+};
    }

    #[test]
    fn words_are_the_inverse_of_parse() {
        inverse! {
            append::Append: "APPEND k v";
            decr::Decr: "DECR k";
            decrby::DecrBy: "DECRBY k -5";
            delex::DelEx: "DELEX k", "DELEX k IFEQ v", "DELEX k IFNE v";
            delifeq::DelIfEq: "DELIFEQ k v";
            get::Get: "GET k";
            getdel::GetDel: "GETDEL k";
            getex::GetEx: "GETEX k", "GETEX k PERSIST", "GETEX k EX 5", "GETEX k PXAT 5000";
            getrange::GetRange: "GETRANGE k 0 -1";
            getset::GetSet: "GETSET k v";
            incr::Incr: "INCR k";
            incrby::IncrBy: "INCRBY k 5";
            incrbyfloat::IncrByFloat: "INCRBYFLOAT k 0.10";
            increx::IncrEx:
                "INCREX k NX BYINT 2 LBOUND 1 UBOUND 9 SATURATE EX 5 ENX",
                "INCREX k XX BYINT -2 LBOUND -9 UBOUND 9 PERSIST",
                "INCREX k BYFLOAT 0x8000000000000000p-63 LBOUND -inf UBOUND inf PX 5";
            lcs::Lcs: "LCS a b", "LCS a b LEN", "LCS a b IDX MINMATCHLEN 4 WITHMATCHLEN";
            mget::MGet: "MGET a b c";
            mset::MSet: "MSET a 1 b 2";
            msetex::MSetEx:
                "MSETEX 2 a 1 b 2", "MSETEX 1 a 1 NX EX 5", "MSETEX 2 a 1 b 2 XX KEEPTTL",
                "MSETEX 1 a 1 PXAT 5000";
            msetnx::MSetNx: "MSETNX a 1 b 2";
            psetex::PSetEx: "PSETEX k 5 v";
            set::Set:
                "SET k v", "SET k v NX GET EX 5", "SET k v XX KEEPTTL", "SET k v IFEQ w PXAT 5";
            setex::SetEx: "SETEX k 5 v";
            setnx::SetNx: "SETNX k v";
            setrange::SetRange: "SETRANGE k 7 v";
            strlen::StrLen: "STRLEN k";
            substr::Substr: "SUBSTR k 1 2";
        }
    }
}
