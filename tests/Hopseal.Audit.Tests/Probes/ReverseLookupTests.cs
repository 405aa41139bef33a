using System.Net;
using Hopseal.Audit.Probes;
using Hopseal.Dns;

namespace Hopseal.Audit.Tests.Probes;

public sealed class ReverseLookupTests
{
    const string Reverse = "1.2.0.192.in-addr.arpa";

    [Theory]
    [InlineData($"{Reverse} PTR mx.example\nmx.example A 192.0.2.1", "mx.example", true, false)]
    [InlineData($"{Reverse} PTR other.example\n{Reverse} PTR mx.example\nmx.example A 192.0.2.1", "other.example mx.example", true, false)]
    [InlineData($"{Reverse} PTR mx.example\nmx.example A 192.0.2.2", "mx.example", false, false)]
    [InlineData($"{Reverse} PTR mx.example\nmx.example FAIL A", "mx.example", null, true)]
    [InlineData($"{Reverse} FAIL PTR", "", null, true)]
    [InlineData("mx.example A 192.0.2.1", "", null, false)]
    public async Task A_name_counts_when_it_leads_back(string zone, string names, bool? confirmed, bool problem)
    {
        var found = await new ReverseLookup(ZoneResolver.Parse(zone)).FindAsync(IPAddress.Parse("192.0.2.1"), TestContext.Current.CancellationToken);

        Assert.Equal((names, confirmed, problem), (string.Join(' ', found.Names), found.Confirmed, found.Problem is not null));
    }
}
