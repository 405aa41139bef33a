using System.Globalization;

namespace Hopseal.Dashboard.Web;

/// <summary>A number of a query. Links of ours have one; what somebody wrote into the address instead asks for nothing.</summary>
static class AskedNumber
{
    public static long? Of(string? text) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
