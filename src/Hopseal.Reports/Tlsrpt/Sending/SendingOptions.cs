using System.Collections.Immutable;
using Hopseal.Dns;
using Hopseal.Smtp.Mail;
using MimeKit.Cryptography;

namespace Hopseal.Reports.Tlsrpt.Sending;

/// <summary>How reports of ours are made and sent.</summary>
public sealed record SendingOptions
{
    /// <summary>Who reports (<c>organization-name</c>).</summary>
    public required string Organization { get; init; }

    /// <summary>A mailbox of ours: <c>contact-info</c>, the author and the envelope sender of reports by mail; its domain signs them.</summary>
    public required Mailbox Contact { get; init; }

    /// <summary>Null: no report goes by mail, because nobody would believe it (RFC 8460 §3).</summary>
    public DkimSigner? Signer { get; init; }

    /// <summary>Part of what spreads reports, so that the hosts of one organization do not report at the same time.</summary>
    public required string Hostname { get; init; }

    /// <summary>Policy domains that get none.</summary>
    public ImmutableArray<DomainName> Except { get; init; } = [];

    /// <summary>The same for every domain below these.</summary>
    public ImmutableArray<DomainName> ExceptBelow { get; init; } = [];

    /// <summary>Reports are made and kept, and never sent.</summary>
    public bool DryRun { get; init; }

    /// <summary>In which reports are spread, after <see cref="ReportSchedule.Grace"/> (RFC 8460 §4.1 asks not to send them all at midnight).</summary>
    public TimeSpan Spread { get; init; } = TimeSpan.FromHours(4);

    /// <summary>That reports are kept; at least 1.</summary>
    public int Days { get; init; } = 400;

    public bool IsExcepted(DomainName domain) =>
        Except.Contains(domain) || ExceptBelow.Any(above => domain != above && domain.IsWithin(above));
}
