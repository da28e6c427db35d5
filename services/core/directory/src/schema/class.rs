//! One row of the table: an object class; and the kinds of entry that attributes are declared for.

use super::attribute::Source;
use super::oid::Oid;

/// A kind of entry that attributes are declared for; each is one object class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Carrier {
    /// zimbraAccount.
    Account,
    /// zimbraAlias.
    Alias,
    /// zimbraDistributionList.
    List,
    /// zimbraCOS.
    Cos,
    /// zimbraDomain.
    Domain,
    /// zimbraServer.
    Server,
    /// zimbraGlobalConfig.
    Global,
    /// zimbraMailRecipient, of which accounts and domains are subclasses.
    Recipient,
    /// zimbraCalendarResource.
    Resource,
    /// zimbraGroup.
    Group,
    /// zimbraGroupDynamicUnit.
    DynamicUnit,
    /// zimbraGroupStaticUnit.
    StaticUnit,
    /// zimbraHabGroup.
    HabGroup,
    /// zimbraSecurityGroup.
    SecurityGroup,
    /// zimbraIdentity.
    Identity,
    /// zimbraSignature.
    Signature,
    /// zimbraDataSource.
    DataSource,
    /// zimbraPop3DataSource.
    Pop3Source,
    /// zimbraImapDataSource.
    ImapSource,
    /// zimbraRssDataSource.
    RssSource,
    /// zimbraGalDataSource.
    GalSource,
    /// zimbraAclTarget.
    AclTarget,
    /// zimbraZimletEntry.
    Zimlet,
    /// zimbraXMPPComponent.
    XmppComponent,
    /// zimbraUCService.
    UcService,
    /// zimbraAlwaysOnCluster.
    Cluster,
    /// zimbraShareLocator.
    ShareLocator,
    /// zimbraAddressList.
    AddressList,
    /// amavisAccount.
    Amavis,
    /// DKIM.
    Dkim,
}

/// Structural, auxiliary or abstract (RFC 4512 §2.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClassKind {
    /// Only to derive from.
    Abstract,
    /// Says what an entry is.
    Structural,
    /// Adds to what an entry is.
    Auxiliary,
}

/// An object class, as the table declares it.
///
/// Attributes that name the class's carrier in their own row belong to it too; [`ObjectClass::must`]
/// and [`ObjectClass::may`] put both together.
#[derive(Debug, Clone, Copy)]
pub struct ObjectClass {
    /// Its object identifier.
    pub oid: Oid,
    /// Its name.
    pub name: &'static str,
    /// The class it derives from.
    pub superior: Option<&'static str>,
    /// What sort of class it is.
    pub kind: ClassKind,
    /// The attributes listed with the class itself: required ones.
    pub listed_must: &'static [&'static str],
    /// The attributes listed with the class itself: allowed ones.
    pub listed_may: &'static [&'static str],
    /// The kind of entry it makes, when attributes are declared for that.
    pub carrier: Option<Carrier>,
    /// Where OpenLDAP has the definition from.
    pub source: Source,
}

impl ObjectClass {
    /// Its own required attributes (without those of the classes it derives from).
    pub fn must(&self) -> impl Iterator<Item = &'static str> {
        let carrier = self.carrier;
        self.listed_must.iter().copied().chain(
            super::attributes()
                .filter(move |attribute| {
                    carrier.is_some_and(|carrier| attribute.required_on.contains(&carrier))
                })
                .map(|attribute| attribute.name),
        )
    }

    /// Its own allowed attributes (without those of the classes it derives from).
    pub fn may(&self) -> impl Iterator<Item = &'static str> {
        let carrier = self.carrier;
        self.listed_may.iter().copied().chain(
            super::attributes()
                .filter(move |attribute| {
                    carrier.is_some_and(|carrier| {
                        attribute.on.contains(&carrier) && !attribute.required_on.contains(&carrier)
                    })
                })
                .map(|attribute| attribute.name),
        )
    }

    /// The class and all it derives from, nearest first.
    pub fn lineage(&'static self) -> impl Iterator<Item = &'static ObjectClass> {
        std::iter::successors(Some(self), |class| class.superior.and_then(super::class))
    }
}
