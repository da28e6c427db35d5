//! In which order which addresses are tried for a next hop (RFC 5321 §5.1).

use std::net::{IpAddr, SocketAddr};

use rand::Rng;
use rand::seq::SliceRandom;
use roost_proto_smtp::{Domain, Enhanced};

use super::dns::{Dns, DnsTrouble, Mx};
use crate::limits::HOSTS_TRIED;
use crate::outcome::status;

/// A host with one of its addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Its name, for TLS and for people.
    pub name: String,
    /// Where it listens.
    pub address: SocketAddr,
}

/// Why there is nobody to try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoHost {
    /// Never: the domain takes no mail.
    Never(Enhanced, String),
    /// Not now.
    Later(Enhanced, String),
}

/// The addresses of a domain's mail hosts, best first.
///
/// # Errors
/// If it has none, or DNS does not answer.
pub async fn of_domain(
    dns: &impl Dns,
    domain: &Domain,
    own: &Domain,
    port: u16,
) -> Result<Vec<Host>, NoHost> {
    let records = match dns.mx(domain.as_str()).await {
        Ok(records) => records,
        // Some name servers say so of names that have addresses only; those are asked for next.
        Err(DnsTrouble::NoName) => Vec::new(),
        Err(trouble) => return Err(trouble_with(domain.as_str(), &trouble)),
    };
    let names = ranked(records, domain, own, &mut rand::rng())?;
    let mut hosts = Vec::new();
    let mut problem = None;
    for name in names {
        match of_host(dns, &name, port).await {
            Ok(found) => hosts.extend(found),
            Err(error) => problem = Some(error),
        }
        if hosts.len() >= HOSTS_TRIED {
            break;
        }
    }
    hosts.truncate(HOSTS_TRIED);
    match (hosts.is_empty(), problem) {
        (false, _) => Ok(hosts),
        (true, Some(problem)) => Err(problem),
        (true, None) => Err(no_address(domain.as_str())),
    }
}

/// The addresses of one host.
///
/// # Errors
/// If it has none, or DNS does not answer.
pub async fn of_host(dns: &impl Dns, name: &str, port: u16) -> Result<Vec<Host>, NoHost> {
    let mut addresses = match dns.addresses(name).await {
        Ok(addresses) => addresses,
        Err(trouble) => return Err(trouble_with(name, &trouble)),
    };
    // IPv6 first; where the machine has none, connecting fails at once and IPv4 is tried.
    addresses.sort_by_key(IpAddr::is_ipv4);
    let hosts: Vec<_> = addresses
        .into_iter()
        .map(|address| Host {
            name: name.to_owned(),
            address: SocketAddr::new(address, port),
        })
        .collect();
    match hosts.is_empty() {
        true => Err(no_address(name)),
        false => Ok(hosts),
    }
}

/// The hosts' names by preference, equal ones in random order.
fn ranked(
    mut records: Vec<Mx>,
    domain: &Domain,
    own: &Domain,
    random: &mut impl Rng,
) -> Result<Vec<String>, NoHost> {
    if records.is_empty() {
        // RFC 5321 §5.1: no MX record means that the domain itself is the host.
        records.push((0, domain.as_str().to_owned()));
    }
    // RFC 7505 §3: one record with the root as its host says that the domain takes no mail.
    if let [(_, host)] = records.as_slice()
        && host.is_empty()
    {
        let text = format!("{domain} does not take mail (null MX)");
        return Err(NoHost::Never(status::NULL_MX, text));
    }
    records.retain(|(_, host)| !host.is_empty());
    records.shuffle(random);
    records.sort_by_key(|(preference, _)| *preference);
    // RFC 5321 §5.1: where we are on the list, we and all that are not better must not be used.
    let ours = records.iter().find(|(_, host)| host == own.as_str());
    if let Some(limit) = ours.map(|(preference, _)| *preference) {
        records.retain(|(preference, _)| *preference < limit);
        if records.is_empty() {
            let text = format!("mail for {domain} loops back to this host, which does not take it");
            return Err(NoHost::Never(status::LOOP, text));
        }
    }
    Ok(records.into_iter().map(|(_, host)| host).collect())
}

fn trouble_with(name: &str, trouble: &DnsTrouble) -> NoHost {
    let text = format!("{name}: {trouble}");
    match trouble {
        DnsTrouble::NoName => NoHost::Never(status::NO_HOST, text),
        DnsTrouble::Temporary(_) => NoHost::Later(status::LOOKUP_FAILED, text),
    }
}

fn no_address(name: &str) -> NoHost {
    NoHost::Never(status::NO_HOST, format!("{name} has no address"))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    #[derive(Default)]
    struct Table {
        mx: HashMap<&'static str, Vec<Mx>>,
        addresses: HashMap<&'static str, Vec<IpAddr>>,
    }

    impl Dns for Table {
        async fn mx(&self, domain: &str) -> Result<Vec<Mx>, DnsTrouble> {
            match domain {
                "down.test" => Err(DnsTrouble::Temporary("timeout".to_owned())),
                "nowhere.test" | "half.test" => Err(DnsTrouble::NoName),
                domain => Ok(self.mx.get(domain).cloned().unwrap_or_default()),
            }
        }

        async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, DnsTrouble> {
            let known = self.addresses.get(host).cloned();
            known.ok_or(DnsTrouble::NoName)
        }

        async fn names(&self, _address: IpAddr) -> Result<Vec<String>, DnsTrouble> {
            Ok(Vec::new())
        }
    }

    fn domain(name: &str) -> Domain {
        name.parse().unwrap()
    }

    fn mx(records: &[(u16, &str)]) -> Vec<Mx> {
        records
            .iter()
            .map(|(p, host)| (*p, (*host).to_owned()))
            .collect()
    }

    #[test]
    fn hosts_are_ranked_by_preference_and_equal_ones_take_turns() {
        let records = mx(&[(20, "c.test"), (10, "a.test"), (10, "b.test")]);
        let mut firsts = std::collections::HashSet::new();
        for seed in 0..20 {
            let mut random = StdRng::seed_from_u64(seed);
            let names = ranked(
                records.clone(),
                &domain("x.test"),
                &domain("us.test"),
                &mut random,
            )
            .unwrap();
            assert_eq!(names.last().unwrap(), "c.test");
            firsts.insert(names.first().unwrap().clone());
        }
        assert_eq!(firsts.len(), 2);
    }

    #[test]
    fn we_and_what_is_not_better_are_left_out() {
        let mut random = StdRng::seed_from_u64(1);
        let records = mx(&[
            (5, "a.test"),
            (10, "us.test"),
            (10, "b.test"),
            (20, "c.test"),
        ]);
        let names = ranked(records, &domain("x.test"), &domain("us.test"), &mut random);
        assert_eq!(names.unwrap(), ["a.test"]);
        let alone = ranked(
            mx(&[(5, "us.test")]),
            &domain("x.test"),
            &domain("us.test"),
            &mut random,
        );
        assert!(matches!(alone, Err(NoHost::Never(status::LOOP, _))));
    }

    #[tokio::test]
    async fn answers_become_addresses_or_reasons() {
        let us = domain("us.test");
        let mut table = Table::default();
        table.mx.insert("null.test", mx(&[(0, "")]));
        table.mx.insert(
            "good.test",
            mx(&[(10, "dead.good.test"), (20, "mx.good.test")]),
        );
        let both = vec!["192.0.2.1".parse().unwrap(), "2001:db8::1".parse().unwrap()];
        table.addresses.insert("mx.good.test", both);
        table
            .addresses
            .insert("plain.test", vec!["192.0.2.2".parse().unwrap()]);
        let hosts =
            |name: &'static str| of_domain(&table, domain(name).leak(), us.clone().leak(), 25);
        let good = hosts("good.test").await.unwrap();
        let shown: Vec<_> = good.iter().map(|host| host.address.to_string()).collect();
        assert_eq!(shown, ["[2001:db8::1]:25", "192.0.2.1:25"]);
        table
            .addresses
            .insert("half.test", vec!["192.0.2.3".parse().unwrap()]);
        let hosts =
            |name: &'static str| of_domain(&table, domain(name).leak(), us.clone().leak(), 25);
        assert_eq!(hosts("plain.test").await.unwrap().len(), 1);
        assert_eq!(hosts("half.test").await.unwrap().len(), 1);
        for (name, code) in [
            ("null.test", status::NULL_MX),
            ("nowhere.test", status::NO_HOST),
        ] {
            assert!(matches!(hosts(name).await, Err(NoHost::Never(found, _)) if found == code));
        }
        assert!(matches!(hosts("down.test").await, Err(NoHost::Later(..))));
    }

    trait Leak {
        fn leak(self) -> &'static Self;
    }

    impl Leak for Domain {
        fn leak(self) -> &'static Self {
            Box::leak(Box::new(self))
        }
    }
}
