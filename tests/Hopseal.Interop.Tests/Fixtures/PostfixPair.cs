namespace Hopseal.Interop.Tests.Fixtures;

/// <summary>Two Postfix with TLS required between them. The first takes mail without TLS from the test and sends it on: for
/// <see cref="DirectDomain"/> straight to the second one, for <see cref="RoutedDomain"/> to the port of a gateway.</summary>
sealed class PostfixPair : IAsyncDisposable
{
    public const string DirectDomain = "direct.test";
    public const string RoutedDomain = "routed.test";
    public const string DestinationHost = "mx.destination.test";

    PostfixPair(TestAuthority authority, PostfixInstance origin, PostfixInstance destination)
    {
        Authority = authority;
        Origin = origin;
        Destination = destination;
    }

    public TestAuthority Authority { get; }

    public PostfixInstance Origin { get; }

    public PostfixInstance Destination { get; }

    /// <param name="gatewayName">In the certificate that the gateway must show.</param>
    public static async Task<PostfixPair> StartAsync(TestAuthority authority, int gatewayPort, string gatewayName, CancellationToken cancel)
    {
        var destination = await PostfixInstance.StartAsync(
            new PostfixOptions("pf-destination", DestinationHost)
            {
                Domains = [DirectDomain, RoutedDomain],
                Certificate = authority.Issue(DestinationHost),
                Settings = ["smtpd_tls_security_level = encrypt"],
            },
            cancel);
        try
        {
            var direct = $"[127.0.0.1]:{destination.Port}";
            var gateway = $"[127.0.0.1]:{gatewayPort}";
            var origin = await PostfixInstance.StartAsync(
                new PostfixOptions("pf-origin", "mx.origin.test")
                {
                    Settings =
                    [
                        "smtp_tls_security_level = secure",
                        $"smtp_tls_CAfile = {authority.RootPath}",
                        $"smtp_tls_policy_maps = inline:{{ {{ {direct} = secure match={DestinationHost} }}, {{ {gateway} = secure match={gatewayName} }} }}",
                        $"transport_maps = inline:{{ {{ {DirectDomain} = smtp:{direct} }}, {{ {RoutedDomain} = smtp:{gateway} }} }}",
                    ],
                },
                cancel);
            return new PostfixPair(authority, origin, destination);
        }
        catch
        {
            await destination.DisposeAsync();
            throw;
        }
    }

    /// <summary>Submits one message of the corpus, and compares every copy that arrives with it, octet for octet.</summary>
    /// <param name="hops">Received fields expected in front of it.</param>
    /// <returns>The copies, for what else there is to say about them.</returns>
    public async Task<IReadOnlyList<Arrival>> CarryAsync(
        CorpusMessage message, string mark, string domain, int hops, TimeSpan limit, Func<string> story, CancellationToken cancel)
    {
        var recipients = message.Recipients.Select(local => $"{local}@{domain}").ToList();
        await using (var client = await RawSmtp.OpenAsync(Origin.Port, cancel))
        {
            var reply = await client.SendMessageAsync(message.From, recipients, message.Content, cancel, message.Parameters);
            Assert.True(reply.Code == 250, $"the first Postfix refuses it: {reply}");
        }

        var arrivals = await Destination.Mailbox.WaitForAsync(
            mark, recipients.Count, limit, () => $"{story()}\n--- origin\n{Origin.Log}\n--- destination\n{Destination.Log}", cancel);

        Assert.Equal(recipients.Order(StringComparer.Ordinal), arrivals.Select(arrival => arrival.Recipient).Order(StringComparer.Ordinal));
        Assert.All(arrivals, arrival =>
        {
            Assert.Equal(hops, arrival.Received.Count());
            SameContent.Verify(message.Content, arrival.Content.Span);
        });
        return arrivals;
    }

    public async ValueTask DisposeAsync() => await Ending.OfAllAsync([Origin, Destination]);
}
