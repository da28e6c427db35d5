//! LDAP syntaxes and matching rules (RFC 4517, RFC 4523, RFC 4530) that the table uses.

/// An LDAP syntax.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Syntax {
    /// Attribute Type Description.
    AttributeTypeDescription,
    /// Binary.
    Binary,
    /// Bit String.
    BitString,
    /// Boolean.
    Boolean,
    /// Certificate.
    Certificate,
    /// Country String.
    CountryString,
    /// DN.
    Dn,
    /// Delivery Method.
    DeliveryMethod,
    /// Directory String.
    DirectoryString,
    /// Facsimile Telephone Number.
    FacsimileTelephoneNumber,
    /// Generalized Time.
    GeneralizedTime,
    /// IA5 String.
    Ia5String,
    /// Integer.
    Integer,
    /// JPEG.
    Jpeg,
    /// LDAP Syntax Description.
    LdapSyntaxDescription,
    /// Matching Rule Description.
    MatchingRuleDescription,
    /// Matching Rule Use Description.
    MatchingRuleUseDescription,
    /// Name and Optional UID.
    NameAndOptionalUid,
    /// Numeric String.
    NumericString,
    /// Object Class Description.
    ObjectClassDescription,
    /// Octet String.
    OctetString,
    /// OID.
    Oid,
    /// Postal Address.
    PostalAddress,
    /// Printable String.
    PrintableString,
    /// Telephone Number.
    TelephoneNumber,
    /// Teletex Terminal Identifier.
    TeletexTerminalIdentifier,
    /// Telex Number.
    TelexNumber,
    /// UUID (RFC 4530).
    Uuid,
}

impl Syntax {
    /// Every syntax.
    pub const ALL: &'static [Self] = &[
        Self::AttributeTypeDescription,
        Self::Binary,
        Self::BitString,
        Self::Boolean,
        Self::Certificate,
        Self::CountryString,
        Self::Dn,
        Self::DeliveryMethod,
        Self::DirectoryString,
        Self::FacsimileTelephoneNumber,
        Self::GeneralizedTime,
        Self::Ia5String,
        Self::Integer,
        Self::Jpeg,
        Self::LdapSyntaxDescription,
        Self::MatchingRuleDescription,
        Self::MatchingRuleUseDescription,
        Self::NameAndOptionalUid,
        Self::NumericString,
        Self::ObjectClassDescription,
        Self::OctetString,
        Self::Oid,
        Self::PostalAddress,
        Self::PrintableString,
        Self::TelephoneNumber,
        Self::TeletexTerminalIdentifier,
        Self::TelexNumber,
        Self::Uuid,
    ];

    const fn parts(self) -> (&'static str, &'static str) {
        match self {
            Self::AttributeTypeDescription => {
                ("1.3.6.1.4.1.1466.115.121.1.3", "Attribute Type Description")
            }
            Self::Binary => ("1.3.6.1.4.1.1466.115.121.1.5", "Binary"),
            Self::BitString => ("1.3.6.1.4.1.1466.115.121.1.6", "Bit String"),
            Self::Boolean => ("1.3.6.1.4.1.1466.115.121.1.7", "Boolean"),
            Self::Certificate => ("1.3.6.1.4.1.1466.115.121.1.8", "Certificate"),
            Self::CountryString => ("1.3.6.1.4.1.1466.115.121.1.11", "Country String"),
            Self::Dn => ("1.3.6.1.4.1.1466.115.121.1.12", "DN"),
            Self::DeliveryMethod => ("1.3.6.1.4.1.1466.115.121.1.14", "Delivery Method"),
            Self::DirectoryString => ("1.3.6.1.4.1.1466.115.121.1.15", "Directory String"),
            Self::FacsimileTelephoneNumber => (
                "1.3.6.1.4.1.1466.115.121.1.22",
                "Facsimile Telephone Number",
            ),
            Self::GeneralizedTime => ("1.3.6.1.4.1.1466.115.121.1.24", "Generalized Time"),
            Self::Ia5String => ("1.3.6.1.4.1.1466.115.121.1.26", "IA5 String"),
            Self::Integer => ("1.3.6.1.4.1.1466.115.121.1.27", "INTEGER"),
            Self::Jpeg => ("1.3.6.1.4.1.1466.115.121.1.28", "JPEG"),
            Self::MatchingRuleDescription => {
                ("1.3.6.1.4.1.1466.115.121.1.30", "Matching Rule Description")
            }
            Self::MatchingRuleUseDescription => (
                "1.3.6.1.4.1.1466.115.121.1.31",
                "Matching Rule Use Description",
            ),
            Self::NameAndOptionalUid => ("1.3.6.1.4.1.1466.115.121.1.34", "Name And Optional UID"),
            Self::NumericString => ("1.3.6.1.4.1.1466.115.121.1.36", "Numeric String"),
            Self::ObjectClassDescription => {
                ("1.3.6.1.4.1.1466.115.121.1.37", "Object Class Description")
            }
            Self::Oid => ("1.3.6.1.4.1.1466.115.121.1.38", "OID"),
            Self::OctetString => ("1.3.6.1.4.1.1466.115.121.1.40", "Octet String"),
            Self::PostalAddress => ("1.3.6.1.4.1.1466.115.121.1.41", "Postal Address"),
            Self::PrintableString => ("1.3.6.1.4.1.1466.115.121.1.44", "Printable String"),
            Self::TelephoneNumber => ("1.3.6.1.4.1.1466.115.121.1.50", "Telephone Number"),
            Self::TeletexTerminalIdentifier => (
                "1.3.6.1.4.1.1466.115.121.1.51",
                "Teletex Terminal Identifier",
            ),
            Self::TelexNumber => ("1.3.6.1.4.1.1466.115.121.1.52", "Telex Number"),
            Self::LdapSyntaxDescription => {
                ("1.3.6.1.4.1.1466.115.121.1.54", "LDAP Syntax Description")
            }
            Self::Uuid => ("1.3.6.1.1.16.1", "UUID"),
        }
    }

    /// Its object identifier.
    #[must_use]
    pub const fn oid(self) -> &'static str {
        self.parts().0
    }

    /// What it is called.
    #[must_use]
    pub const fn description(self) -> &'static str {
        self.parts().1
    }
}

/// A matching rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// objectIdentifierMatch.
    ObjectIdentifier,
    /// distinguishedNameMatch.
    DistinguishedName,
    /// caseIgnoreMatch.
    CaseIgnore,
    /// caseIgnoreOrderingMatch.
    CaseIgnoreOrdering,
    /// caseIgnoreSubstringsMatch.
    CaseIgnoreSubstrings,
    /// caseExactMatch.
    CaseExact,
    /// caseExactSubstringsMatch.
    CaseExactSubstrings,
    /// numericStringMatch.
    NumericString,
    /// numericStringSubstringsMatch.
    NumericStringSubstrings,
    /// caseIgnoreListMatch.
    CaseIgnoreList,
    /// caseIgnoreListSubstringsMatch.
    CaseIgnoreListSubstrings,
    /// booleanMatch.
    Boolean,
    /// integerMatch.
    Integer,
    /// integerOrderingMatch.
    IntegerOrdering,
    /// bitStringMatch.
    BitString,
    /// octetStringMatch.
    OctetString,
    /// telephoneNumberMatch.
    TelephoneNumber,
    /// telephoneNumberSubstringsMatch.
    TelephoneNumberSubstrings,
    /// uniqueMemberMatch.
    UniqueMember,
    /// generalizedTimeMatch.
    GeneralizedTime,
    /// generalizedTimeOrderingMatch.
    GeneralizedTimeOrdering,
    /// objectIdentifierFirstComponentMatch.
    ObjectIdentifierFirstComponent,
    /// certificateExactMatch (RFC 4523).
    CertificateExact,
    /// caseExactIA5Match.
    CaseExactIa5,
    /// caseIgnoreIA5Match.
    CaseIgnoreIa5,
    /// caseIgnoreIA5SubstringsMatch.
    CaseIgnoreIa5Substrings,
    /// UUIDMatch (RFC 4530).
    Uuid,
    /// UUIDOrderingMatch (RFC 4530).
    UuidOrdering,
}

impl Rule {
    /// Every rule.
    pub const ALL: &'static [Self] = &[
        Self::ObjectIdentifier,
        Self::DistinguishedName,
        Self::CaseIgnore,
        Self::CaseIgnoreOrdering,
        Self::CaseIgnoreSubstrings,
        Self::CaseExact,
        Self::CaseExactSubstrings,
        Self::NumericString,
        Self::NumericStringSubstrings,
        Self::CaseIgnoreList,
        Self::CaseIgnoreListSubstrings,
        Self::Boolean,
        Self::Integer,
        Self::IntegerOrdering,
        Self::BitString,
        Self::OctetString,
        Self::TelephoneNumber,
        Self::TelephoneNumberSubstrings,
        Self::UniqueMember,
        Self::GeneralizedTime,
        Self::GeneralizedTimeOrdering,
        Self::ObjectIdentifierFirstComponent,
        Self::CertificateExact,
        Self::CaseExactIa5,
        Self::CaseIgnoreIa5,
        Self::CaseIgnoreIa5Substrings,
        Self::Uuid,
        Self::UuidOrdering,
    ];

    /// (OID, name, OID of the syntax of the asserted value).
    const fn parts(self) -> (&'static str, &'static str, &'static str) {
        const DIRECTORY_STRING: &str = "1.3.6.1.4.1.1466.115.121.1.15";
        const SUBSTRING: &str = "1.3.6.1.4.1.1466.115.121.1.58";
        const IA5: &str = "1.3.6.1.4.1.1466.115.121.1.26";
        match self {
            Self::ObjectIdentifier => (
                "2.5.13.0",
                "objectIdentifierMatch",
                "1.3.6.1.4.1.1466.115.121.1.38",
            ),
            Self::DistinguishedName => (
                "2.5.13.1",
                "distinguishedNameMatch",
                "1.3.6.1.4.1.1466.115.121.1.12",
            ),
            Self::CaseIgnore => ("2.5.13.2", "caseIgnoreMatch", DIRECTORY_STRING),
            Self::CaseIgnoreOrdering => ("2.5.13.3", "caseIgnoreOrderingMatch", DIRECTORY_STRING),
            Self::CaseIgnoreSubstrings => ("2.5.13.4", "caseIgnoreSubstringsMatch", SUBSTRING),
            Self::CaseExact => ("2.5.13.5", "caseExactMatch", DIRECTORY_STRING),
            Self::CaseExactSubstrings => ("2.5.13.7", "caseExactSubstringsMatch", SUBSTRING),
            Self::NumericString => (
                "2.5.13.8",
                "numericStringMatch",
                "1.3.6.1.4.1.1466.115.121.1.36",
            ),
            Self::NumericStringSubstrings => {
                ("2.5.13.10", "numericStringSubstringsMatch", SUBSTRING)
            }
            Self::CaseIgnoreList => (
                "2.5.13.11",
                "caseIgnoreListMatch",
                "1.3.6.1.4.1.1466.115.121.1.41",
            ),
            Self::CaseIgnoreListSubstrings => {
                ("2.5.13.12", "caseIgnoreListSubstringsMatch", SUBSTRING)
            }
            Self::Boolean => ("2.5.13.13", "booleanMatch", "1.3.6.1.4.1.1466.115.121.1.7"),
            Self::Integer => ("2.5.13.14", "integerMatch", "1.3.6.1.4.1.1466.115.121.1.27"),
            Self::IntegerOrdering => (
                "2.5.13.15",
                "integerOrderingMatch",
                "1.3.6.1.4.1.1466.115.121.1.27",
            ),
            Self::BitString => (
                "2.5.13.16",
                "bitStringMatch",
                "1.3.6.1.4.1.1466.115.121.1.6",
            ),
            Self::OctetString => (
                "2.5.13.17",
                "octetStringMatch",
                "1.3.6.1.4.1.1466.115.121.1.40",
            ),
            Self::TelephoneNumber => (
                "2.5.13.20",
                "telephoneNumberMatch",
                "1.3.6.1.4.1.1466.115.121.1.50",
            ),
            Self::TelephoneNumberSubstrings => {
                ("2.5.13.21", "telephoneNumberSubstringsMatch", SUBSTRING)
            }
            Self::UniqueMember => (
                "2.5.13.23",
                "uniqueMemberMatch",
                "1.3.6.1.4.1.1466.115.121.1.34",
            ),
            Self::GeneralizedTime => (
                "2.5.13.27",
                "generalizedTimeMatch",
                "1.3.6.1.4.1.1466.115.121.1.24",
            ),
            Self::GeneralizedTimeOrdering => (
                "2.5.13.28",
                "generalizedTimeOrderingMatch",
                "1.3.6.1.4.1.1466.115.121.1.24",
            ),
            Self::ObjectIdentifierFirstComponent => (
                "2.5.13.30",
                "objectIdentifierFirstComponentMatch",
                "1.3.6.1.4.1.1466.115.121.1.38",
            ),
            Self::CertificateExact => ("2.5.13.34", "certificateExactMatch", "1.3.6.1.1.15.1"),
            Self::CaseExactIa5 => ("1.3.6.1.4.1.1466.109.114.1", "caseExactIA5Match", IA5),
            Self::CaseIgnoreIa5 => ("1.3.6.1.4.1.1466.109.114.2", "caseIgnoreIA5Match", IA5),
            Self::CaseIgnoreIa5Substrings => (
                "1.3.6.1.4.1.1466.109.114.3",
                "caseIgnoreIA5SubstringsMatch",
                SUBSTRING,
            ),
            Self::Uuid => ("1.3.6.1.1.16.2", "UUIDMatch", "1.3.6.1.1.16.1"),
            Self::UuidOrdering => ("1.3.6.1.1.16.3", "UUIDOrderingMatch", "1.3.6.1.1.16.1"),
        }
    }

    /// Its object identifier.
    #[must_use]
    pub const fn oid(self) -> &'static str {
        self.parts().0
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.parts().1
    }

    /// The object identifier of the syntax that an asserted value has.
    #[must_use]
    pub const fn assertion_syntax(self) -> &'static str {
        self.parts().2
    }

    /// The rule of this name or object identifier (extensible filters name them).
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|rule| rule.oid() == name || rule.name().eq_ignore_ascii_case(name))
    }
}
