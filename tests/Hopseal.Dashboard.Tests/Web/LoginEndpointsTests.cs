using Hopseal.Dashboard.Web;

namespace Hopseal.Dashboard.Tests.Web;

public sealed class LoginEndpointsTests
{
    [Theory]
    [InlineData("/queue?state=Held", "/queue?state=Held")]
    [InlineData("/", "/")]
    [InlineData(null, "/")]
    [InlineData("", "/")]
    [InlineData("queue", "/")]
    [InlineData("//attacker.example", "/")]
    [InlineData("/\\attacker.example", "/")]
    [InlineData("https://attacker.example/", "/")]
    [InlineData("/queue\r\nSet-Cookie: a=b", "/")]
    public void After_the_login_only_pages_of_ours_follow(string? asked, string path) => Assert.Equal(path, LoginEndpoints.PathOf(asked));
}
