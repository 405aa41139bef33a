using System.Net;
using System.Security.Authentication;
using Hopseal.Smtp.Tls;

namespace Hopseal.Smtp.Server;

/// <summary>How a listener's connections become TLS.</summary>
public enum ListenerMode
{
    /// <summary>STARTTLS is offered, mail is taken without it too: a public MX (RFC 3207 §4).</summary>
    StartTls,

    /// <summary>Before STARTTLS only NOOP, EHLO, STARTTLS and QUIT are served; anything else is 530 5.7.0.</summary>
    StartTlsRequired,

    /// <summary>TLS from the first byte (RFC 8314 §3.3).</summary>
    ImplicitTls,
}

/// <summary>Whether clients of a listener may or must authenticate (RFC 4954). Inside TLS only, always.</summary>
public enum AuthenticationUse
{
    None,
    Optional,
    Required,
}

/// <summary>What a server session needs to know. Sizes in octets.</summary>
public sealed record ServerOptions
{
    /// <summary>The name in the greeting and the EHLO reply.</summary>
    public required string Hostname { get; init; }

    /// <summary>Where mail to <c>&lt;Postmaster&gt;</c> without a domain goes (RFC 5321 §4.5.1); null: to <see cref="Hostname"/>.</summary>
    public string? PostmasterDomain { get; init; }

    public ListenerMode Mode { get; init; } = ListenerMode.StartTls;

    public AuthenticationUse Authentication { get; init; } = AuthenticationUse.None;

    /// <summary>Null: STARTTLS is not offered, and 454 answers who asks.</summary>
    public ServerCertificates? Certificates { get; init; }

    /// <summary>Null: AUTH is not offered.</summary>
    public ICredentials? Credentials { get; init; }

    /// <summary>Whether AUTH is offered, inside TLS.</summary>
    public bool OffersAuthentication => Authentication is not AuthenticationUse.None && Credentials is not null;

    public SslProtocols Protocols { get; init; } = SslProtocols.None;

    /// <summary>Whether TLS session tickets are issued and accepted (RFC 8446 §2.2).</summary>
    public bool SessionTickets { get; init; } = true;

    /// <summary>Who judges the certificate of a client at an address; null for a client that is not asked for one. Its verdict decides
    /// nothing by itself: it is in <see cref="SessionContext.Tls"/>.</summary>
    public Func<IPAddress, Func<PeerChain, PeerVerdict>?>? JudgeClient { get; init; }

    public long MaxMessageOctets { get; init; } = 50 * 1024 * 1024;

    /// <summary>At least 100 (RFC 5321 §4.5.3.1.8).</summary>
    public int MaxRecipients { get; init; } = 1000;

    /// <summary>A command line with its CRLF. RFC 5321 §4.5.3.1.4 asks for 512 and the extensions add to it.</summary>
    public int MaxCommandOctets { get; init; } = 2048;

    /// <summary>A client that made this many errors is told 421 and closed.</summary>
    public int MaxErrors { get; init; } = 20;

    public int MaxAuthenticationFailures { get; init; } = 3;

    /// <summary>From the reply to the end of the next command line, however slowly its octets come (RFC 5321 §4.5.3.2.7).</summary>
    public TimeSpan CommandTimeout { get; init; } = TimeSpan.FromSeconds(300);

    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>One message from DATA or the first BDAT to its last octet.</summary>
    public TimeSpan MessageTimeout { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>Keeps the dialogue in the summary: for the demo and for tests.</summary>
    public bool KeepTranscript { get; init; }
}
