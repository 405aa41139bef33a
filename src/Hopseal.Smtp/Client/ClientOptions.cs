using System.Net;
using Hopseal.Smtp.Wire;

namespace Hopseal.Smtp.Client;

/// <summary>How a client connection behaves. The time-outs default to RFC 5321 §4.5.3.2.</summary>
public sealed record ClientOptions
{
    /// <summary>Our name in EHLO.</summary>
    public required string Hostname { get; init; }

    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Sent by AUTH, inside TLS only; a demand with credentials needs a floor of at least Encrypted.</summary>
    public ClientCredentials? Credentials { get; init; }

    /// <summary>Where connections to peers of the same address family come from; null leaves it to the system.</summary>
    public IPAddress? LocalAddress { get; init; }

    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(30);

    public TimeSpan GreetingTimeout { get; init; } = TimeSpan.FromMinutes(5);

    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>EHLO, STARTTLS, AUTH, MAIL, RCPT, RSET.</summary>
    public TimeSpan CommandTimeout { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>From DATA to 354.</summary>
    public TimeSpan DataTimeout { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>For each block of content that the peer must take.</summary>
    public TimeSpan BlockTimeout { get; init; } = TimeSpan.FromMinutes(3);

    /// <summary>From the final dot, or BDAT LAST, to the reply.</summary>
    public TimeSpan FinalTimeout { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>TLS 1.2 and 1.3 unless narrowed.</summary>
    public System.Security.Authentication.SslProtocols Protocols { get; init; } = System.Security.Authentication.SslProtocols.None;

    /// <summary>Where the dialogue is written for people, if anywhere.</summary>
    public Transcript? Transcript { get; init; }
}

/// <param name="Password">Never logged, never in a transcript.</param>
public sealed record ClientCredentials(string User, string Password)
{
    public override string ToString() => $"{User} (password withheld)";
}
