using Hopseal.Dashboard.Web;
using Microsoft.AspNetCore.Http;

namespace Hopseal.Dashboard.Tests.Web;

public sealed class RequestGuardTests
{
    [Theory]
    [InlineData("GET", false, null, null, null, true)]
    [InlineData("GET", false, null, "cross-site", "navigate", true)]
    [InlineData("GET", false, null, "cross-site", "no-cors", false)]
    [InlineData("GET", false, null, "cross-site", "cors", false)]
    [InlineData("GET", true, "http://localhost:8025", null, null, true)]
    [InlineData("GET", true, "https://attacker.example", null, null, false)]
    [InlineData("GET", true, "http://localhost:9999", null, null, false)]
    [InlineData("GET", true, null, null, null, false)]
    [InlineData("POST", false, "http://localhost:8025", null, null, true)]
    [InlineData("POST", false, "https://localhost:8025", null, null, false)]
    [InlineData("POST", false, "null", null, null, false)]
    [InlineData("POST", false, null, null, null, false)]
    [InlineData("DELETE", false, "https://attacker.example", null, null, false)]
    public void What_changes_something_comes_from_our_own_pages(
        string method, bool upgrade, string? origin, string? site, string? mode, bool allowed)
    {
        var request = new DefaultHttpContext().Request;
        (request.Method, request.Scheme, request.Host) = (method, "http", new HostString("localhost:8025"));
        (request.Headers.Origin, request.Headers["Sec-Fetch-Site"], request.Headers["Sec-Fetch-Mode"]) = (origin, site, mode);

        Assert.Equal(allowed, RequestGuard.IsFromHere(request, upgrade));
    }

    [Theory]
    [InlineData("/_blazor", true)]
    [InlineData("/_Blazor/", true)]
    [InlineData("/_blazor/negotiate", false)]
    [InlineData("/_blazor/disconnect", false)]
    [InlineData("/_blazor/initializers", false)]
    [InlineData("/queue", false)]
    public void A_circuit_is_a_WebSocket_and_so_counted(string path, bool uncounted)
    {
        var context = new DefaultHttpContext();
        context.Request.Path = path;
        context.Request.Headers.Upgrade = "something";

        Assert.Equal(uncounted, RequestGuard.IsUncountedCircuit(context));
    }
}
