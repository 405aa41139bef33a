using System.Collections.Immutable;
using Hopseal.Dns;
using Hopseal.Smtp.Tls;

namespace Hopseal.Policy.Dane;

/// <summary>Whether senders that verify by TLSA records take a certificate of ours: judged as we judge others.</summary>
public sealed class TlsaAcceptance(DaneCheck check)
{
    /// <param name="published">Of the host. Where none is usable, TLS with any certificate is enough (RFC 7672 §2.2).</param>
    public bool Accepts(DomainName host, ImmutableArray<TlsaRecord> published, ServerCertificate certificate)
    {
        ArgumentNullException.ThrowIfNull(host);
        ArgumentNullException.ThrowIfNull(certificate);
        var usable = TlsaSet.Usable(published);
        if (usable.IsEmpty)
        {
            return true;
        }

        var policy = new TransportPolicy.Dane(host, usable, [host.Ascii], SecureMx: true);
        return check.Judge(new PeerChain(certificate.Sent[0], certificate.Sent, host.Ascii), policy).Identity is not PeerIdentity.Unauthenticated;
    }

    /// <param name="shown">What a client gets who asks for the host; null: no certificate at all.</param>
    public TlsaStanding StandingOf(PublishedTlsa published, ServerCertificate? shown)
    {
        ArgumentNullException.ThrowIfNull(published);
        return published.Current switch
        {
            null => TlsaStanding.Unknown,
            { State: TlsaState.Absent } => TlsaStanding.Absent,
            { State: TlsaState.Unsigned or TlsaState.NoLongerSigned } => TlsaStanding.Unsigned,
            { Records: var records } when records.All(record => FaultOf(record) is not null) => TlsaStanding.Unusable,
            { Records: var records } when shown is not null && Accepts(published.Host, records, shown) => TlsaStanding.Matches,
            _ => TlsaStanding.MatchesNone,
        };
    }

    /// <summary>Why senders ignore a record; null when they do not.</summary>
    public static string? FaultOf(TlsaRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        return record switch
        {
            _ when !TlsaSet.Usable([record]).IsEmpty => null,
            { Usage: 0 or 1 } => $"usage {record.Usage} means nothing to mail servers (RFC 7672 §3.1.3)",
            { Usage: not (TlsaSet.DaneTa or TlsaSet.DaneEe) } => $"usage {record.Usage} is not assigned",
            { Selector: not (TlsaSet.WholeCertificate or TlsaSet.KeyOnly) } => $"selector {record.Selector} is not assigned",
            { MatchingType: TlsaSet.Sha256 } => $"SHA-256 has 32 octets, not {record.Data.Length}",
            { MatchingType: TlsaSet.Sha512 } => $"SHA-512 has 64 octets, not {record.Data.Length}",
            { MatchingType: TlsaSet.Full, Selector: TlsaSet.WholeCertificate } => "its data is no certificate",
            { MatchingType: TlsaSet.Full } => "its data is no public key",
            _ => $"matching type {record.MatchingType} is not assigned",
        };
    }
}
