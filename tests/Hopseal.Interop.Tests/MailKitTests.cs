using System.Security.Cryptography.X509Certificates;
using Hopseal.Interop.Tests.Fixtures;
using MailKit.Net.Smtp;
using MailKit.Security;
using MimeKit;

namespace Hopseal.Interop.Tests;

/// <summary>MailKit as client: what .NET applications submit with.</summary>
public sealed class MailKitTests(LocalGateway gateway) : IClassFixture<LocalGateway>
{
    static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);

    public static TheoryData<SecureSocketOptions, string> Logins => new MatrixTheoryData<SecureSocketOptions, string>(
        [SecureSocketOptions.StartTls, SecureSocketOptions.SslOnConnect], ["SCRAM-SHA-256", "PLAIN", "LOGIN"]);

    [Theory(Timeout = 60_000)]
    [MemberData(nameof(Logins))]
    public async Task Logs_in_and_delivers(SecureSocketOptions security, string mechanism)
    {
        var cancel = TestContext.Current.CancellationToken;
        using var client = NewClient();
        var port = security is SecureSocketOptions.StartTls ? gateway.SubmissionPort : gateway.SubmissionsPort;
        await client.ConnectAsync("127.0.0.1", port, security, cancel);
        Assert.True(client.IsSecure);
        Assert.Contains(mechanism, client.AuthenticationMechanisms);

        await client.AuthenticateAsync(Mechanism(mechanism), cancel);
        var mark = await SendAsync(client, cancel);
        await client.DisconnectAsync(quit: true, cancel);

        var arrivals = await gateway.Mailbox.WaitForAsync(mark, 1, s_limit, () => gateway.Output, cancel);
        Assert.Contains("with ESMTPSA", Assert.Single(arrivals).Received.First(), StringComparison.Ordinal);
    }

    [Fact(Timeout = 60_000)]
    public async Task Sends_many_messages_over_one_connection()
    {
        var cancel = TestContext.Current.CancellationToken;
        using var client = NewClient();
        await client.ConnectAsync("127.0.0.1", gateway.MxPort, SecureSocketOptions.StartTls, cancel);

        var marks = new List<string>();
        for (var i = 0; i < 20; i++)
        {
            marks.Add(await SendAsync(client, cancel));
        }

        await client.DisconnectAsync(quit: true, cancel);
        foreach (var mark in marks)
        {
            Assert.Single(await gateway.Mailbox.WaitForAsync(mark, 1, s_limit, () => gateway.Output, cancel));
        }
    }

    [Fact(Timeout = 60_000)]
    public async Task A_wrong_password_is_refused_and_a_right_one_then_taken()
    {
        var cancel = TestContext.Current.CancellationToken;
        using var client = NewClient();
        await client.ConnectAsync("127.0.0.1", gateway.SubmissionPort, SecureSocketOptions.StartTls, cancel);

        await Assert.ThrowsAsync<AuthenticationException>(() =>
            client.AuthenticateAsync(new SaslMechanismPlain(LocalGateway.User, "wrong"), cancel));
        await client.AuthenticateAsync(Mechanism("SCRAM-SHA-256"), cancel);

        Assert.True(client.IsAuthenticated);
    }

    SmtpClient NewClient() => new()
    {
        LocalDomain = "client.test",
        CheckCertificateRevocation = false,
        ServerCertificateValidationCallback = (_, certificate, _, _) => IsOurs(certificate),
    };

    /// <summary>The name is checked by other tests; here the peer is an address.</summary>
    bool IsOurs(X509Certificate? certificate)
    {
        if (certificate is null)
        {
            return false;
        }

        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.CustomTrustStore.Add(gateway.Root);
        return chain.Build(new X509Certificate2(certificate));
    }

    static SaslMechanism Mechanism(string name) => name switch
    {
        "SCRAM-SHA-256" => new SaslMechanismScramSha256(LocalGateway.User, LocalGateway.Password),
        "PLAIN" => new SaslMechanismPlain(LocalGateway.User, LocalGateway.Password),
        _ => new SaslMechanismLogin(LocalGateway.User, LocalGateway.Password),
    };

    static async Task<string> SendAsync(SmtpClient client, CancellationToken cancel)
    {
        var mark = $"mailkit-{Guid.NewGuid():n}";
        using var message = new MimeMessage(
            [MailboxAddress.Parse("a@origin.test")], [MailboxAddress.Parse($"someone@{LocalGateway.Domain}")], mark, new TextPart { Text = "Grüße\n" });
        await client.SendAsync(message, cancel);
        return mark;
    }
}
