using System.Collections.Immutable;
using System.Net;
using System.Security.Cryptography;
using Hopseal.Policy;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Tls;
using Hopseal.Smtp.Wire;

namespace Hopseal.Relay;

/// <summary>An entry of <c>InboundRules</c>: what mail must have come by. It applies where all that it names is met.</summary>
/// <param name="Floor">Encrypted, or Authenticated: with one of the certificates that the rule names.</param>
/// <param name="Source">The configuration key, for records.</param>
public sealed record InboundRule(SecurityFloor Floor, string Source)
{
    /// <summary>Null: clients from anywhere.</summary>
    public IPNetwork? Network { get; init; }

    /// <summary>Of MAIL; null: any sender, the null sender too.</summary>
    public SenderPattern? Sender { get; init; }

    /// <summary>The client's own certificate or key, whoever issued it and whenever.</summary>
    public ImmutableArray<CertificatePin> Pins { get; init; } = [];

    /// <summary>Names that a certificate of a trusted authority may be for; a leading <c>*.</c> stands for one label.</summary>
    public ImmutableArray<string> Names { get; init; } = [];
}

/// <summary>Whether mail may be taken as it came. Every rule that applies has to be met, so none lowers what another one asks for. Pure
/// decisions.</summary>
public sealed class InboundRules
{
    readonly ImmutableArray<(InboundRule Rule, ClientNetwork? Network)> _rules;

    public InboundRules(ImmutableArray<InboundRule> rules) =>
        _rules = [.. rules.Select(rule => (rule, rule.Network is { } network ? new ClientNetwork(network) : (ClientNetwork?)null))];

    /// <summary>Whether a rule may want to see a certificate of a client at this address. No other client is asked for one.</summary>
    public bool AsksForCertificate(IPAddress client) =>
        _rules.Any(one => one.Rule.Floor is SecurityFloor.Authenticated && one.Network?.Holds(client) != false);

    /// <summary>Who a client is by its certificate: one of a trusted authority, or one that a rule names by its fingerprint.</summary>
    public PeerVerdict Judge(PeerChain chain, PkixCheck pkix)
    {
        ArgumentNullException.ThrowIfNull(chain);
        ArgumentNullException.ThrowIfNull(pkix);
        var byAuthority = pkix.JudgeClient(chain);
        return byAuthority.Identity is PeerIdentity.Unauthenticated && IsPinned(chain)
            ? new PeerVerdict(PeerIdentity.Pinned, [])
            : byAuthority;
    }

    /// <summary>What MAIL is answered; null where nothing is wrong.</summary>
    /// <param name="tls">Null on a plaintext connection.</param>
    /// <param name="sender">Null for the null sender.</param>
    public SmtpReply? RefusalOf(IPAddress client, TlsOutcome.Encrypted? tls, Mailbox? sender)
    {
        foreach (var (rule, network) in _rules)
        {
            var applies = network?.Holds(client) != false && rule.Sender?.Matches(sender) != false;
            if (applies && Refusal(rule, tls) is { } refusal)
            {
                return refusal;
            }
        }

        return null;
    }

    /// <summary>RFC 3207 §4 for the first.</summary>
    static SmtpReply? Refusal(InboundRule rule, TlsOutcome.Encrypted? tls) => tls switch
    {
        null => new SmtpReply(530, new EnhancedStatus(5, 7, 0), $"Must issue a STARTTLS command first: mail from {Whom(rule)} is taken inside TLS only"),
        _ when rule.Floor is not SecurityFloor.Authenticated => null,
        { Peer: null } => Unknown(rule, "and none was shown"),
        { Peer: var shown } when rule.Pins.Any(pin => pin.Sha256 == (pin.Part is PinnedPart.Certificate ? shown.Sha256 : shown.SpkiSha256)) => null,
        { Identity: not PeerIdentity.Pkix } => Unknown(rule, "and the one that was shown is not valid"),
        { Peer: var shown } when !rule.Names.Any(name => shown.Names.Any(presented => CertificateNames.Match(name, presented))) =>
            Unknown(rule, "and the one that was shown is for another name"),
        _ => null,
    };

    static SmtpReply Unknown(InboundRule rule, string why) =>
        new(550, new EnhancedStatus(5, 7, 1), $"Mail from {Whom(rule)} needs a client certificate that is known here, {why}");

    static string Whom(InboundRule rule) => rule.Sender?.ToString().TrimStart('@') ?? "this network";

    bool IsPinned(PeerChain chain)
    {
        try
        {
            return _rules.Any(one => one.Rule.Pins.Any(pin => pin.Matches(chain.Leaf)));
        }
        catch (CryptographicException)
        {
            // A key that cannot be encoded is nobody's; what is wrong with the certificate is in the other verdict.
            return false;
        }
    }
}
