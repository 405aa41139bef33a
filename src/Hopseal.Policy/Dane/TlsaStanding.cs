namespace Hopseal.Policy.Dane;

/// <summary>How the certificate that a host shows stands to the TLSA records that are published for it.</summary>
public enum TlsaStanding
{
    /// <summary>No look-up succeeded yet.</summary>
    Unknown,

    /// <summary>Nothing is published: senders do without DANE.</summary>
    Absent,

    /// <summary>Published without DNSSEC: senders ignore it.</summary>
    Unsigned,

    /// <summary>None of the records can be verified with: senders ask for TLS, with any certificate.</summary>
    Unusable,

    Matches,

    /// <summary>Senders that use DANE do not deliver.</summary>
    MatchesNone,
}
