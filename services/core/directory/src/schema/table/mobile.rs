//! Mobile synchronisation.

use super::super::attribute::AttributeType;
use super::super::kind::Kind::Boolean;
use super::{ACCOUNT_COS, FALSE, TRUE, z};

#[rustfmt::skip]
pub(super) static MOBILE: &[AttributeType] = &[
    z( 347, "zimbraFeatureMobileSyncEnabled", Boolean).on(ACCOUNT_COS).inherited().default(FALSE),
    z( 833, "zimbraFeatureMobilePolicyEnabled", Boolean).on(ACCOUNT_COS).inherited().default(TRUE),
    z(1574, "zimbraFeatureEwsEnabled", Boolean).on(ACCOUNT_COS).inherited().default(FALSE),
];
