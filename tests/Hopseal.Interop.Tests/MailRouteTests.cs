using System.Text;
using Hopseal.Interop.Tests.Fixtures;

namespace Hopseal.Interop.Tests;

/// <summary>Postfix → Hopseal → Postfix, TLS required on both hops.</summary>
public sealed class MailRouteTests(MailRoute route) : IClassFixture<MailRoute>
{
    static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    public static TheoryData<string> Names => Corpus.Names;

    [Theory(Timeout = 90_000)]
    [MemberData(nameof(Names))]
    public async Task Content_arrives_as_it_was_sent_but_for_trace_fields(string name)
    {
        Assert.SkipWhen(PostfixInstance.Unavailable is not null, PostfixInstance.Unavailable ?? "");
        var mark = $"route-{Guid.NewGuid():n}";

        var arrivals = await route.Hops.CarryAsync(
            Corpus.Make(name, mark), mark, PostfixPair.RoutedDomain, hops: 3, s_limit, () => route.Gateway.Output, TestContext.Current.CancellationToken);

        Assert.All(arrivals, arrival =>
        {
            var received = arrival.Received.ToList();
            Assert.Contains("TLSv1.3", received[0], StringComparison.Ordinal);
            Assert.Contains($"by {MailRoute.GatewayName}", received[1], StringComparison.Ordinal);
            Assert.Contains("TLS", received[1], StringComparison.Ordinal);
        });
    }

    [Fact(Timeout = 60_000)]
    public async Task The_log_proves_both_hops()
    {
        Assert.SkipWhen(PostfixInstance.Unavailable is not null, PostfixInstance.Unavailable ?? "");
        var cancel = TestContext.Current.CancellationToken;
        var mark = $"proof-{Guid.NewGuid():n}";

        var message = Corpus.Make("one octet", mark) with { Recipients = [mark] };
        var arrivals = await route.Hops.CarryAsync(
            message, mark, PostfixPair.RoutedDomain, hops: 3, s_limit, () => route.Gateway.Output, cancel);

        var delivered = await route.Gateway.LoggedAsync(1101, $"{mark}@{PostfixPair.RoutedDomain}", cancel);
        var id = delivered.GetProperty("Message").GetString()!;
        Assert.Contains(id, Assert.Single(arrivals).Received.ElementAt(1), StringComparison.Ordinal);

        var outbound = await route.Gateway.LoggedAsync(1002, delivered.GetProperty("Session").GetString()!, cancel);
        Assert.Equal("authenticated", outbound.GetProperty("Floor").GetString());
        Assert.Equal("authenticated", outbound.GetProperty("Level").GetString());
        Assert.Equal("TLSv1.3", outbound.GetProperty("Version").GetString());
        Assert.Equal("pkix", outbound.GetProperty("Identity").GetString());
        Assert.StartsWith(PostfixPair.DestinationHost, outbound.GetProperty("Host").GetString(), StringComparison.Ordinal);

        var inbound = await route.Gateway.LoggedAsync(1001, "mx.origin.test", cancel);
        Assert.Equal("encrypted", inbound.GetProperty("Level").GetString());
        Assert.Equal("TLSv1.3", inbound.GetProperty("Version").GetString());
    }

    [Fact(Timeout = 60_000)]
    public async Task Content_without_a_final_line_end_gets_one_and_nothing_else()
    {
        Assert.SkipWhen(PostfixInstance.Unavailable is not null, PostfixInstance.Unavailable ?? "");
        var cancel = TestContext.Current.CancellationToken;
        var mark = $"unended-{Guid.NewGuid():n}";
        var content = Encoding.ASCII.GetBytes($"Subject: {mark}\r\nFrom: a@origin.test\r\n\r\nthe last line has no end");

        await using (var client = await RawSmtp.OpenTlsAsync(route.GatewayPort, route.Hops.Authority.Root, MailRoute.GatewayName, cancel))
        {
            await client.CommandAsync("MAIL FROM:<a@origin.test>", 250, cancel);
            await client.CommandAsync($"RCPT TO:<someone@{PostfixPair.RoutedDomain}>", 250, cancel);
            await client.SendAsync($"BDAT {content.Length} LAST\r\n", cancel);
            await client.SendAsync(content, cancel);
            await client.ExpectAsync(250, cancel);
        }

        var arrivals = await route.Hops.Destination.Mailbox.WaitForAsync(mark, 1, s_limit, () => route.Gateway.Output, cancel);
        SameContent.Verify([.. content, .. "\r\n"u8], Assert.Single(arrivals).Content.Span);
    }

    [Fact(Timeout = 60_000)]
    public async Task The_gateway_takes_nothing_before_TLS_where_TLS_is_required()
    {
        Assert.SkipWhen(PostfixInstance.Unavailable is not null, PostfixInstance.Unavailable ?? "");
        var cancel = TestContext.Current.CancellationToken;
        await using var client = await RawSmtp.OpenAsync(route.GatewayPort, cancel);

        await client.CommandAsync("MAIL FROM:<a@origin.test>", 530, cancel);
        await client.CommandAsync($"RCPT TO:<someone@{PostfixPair.RoutedDomain}>", 530, cancel);
        await client.CommandAsync("NOOP", 250, cancel);
    }
}
