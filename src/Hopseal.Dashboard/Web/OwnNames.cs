using System.Collections.Immutable;
using System.Net;
using Microsoft.AspNetCore.Http;

namespace Hopseal.Dashboard.Web;

/// <summary>By which names a web server on this machine is asked. A page of somebody else's can make a name of its own lead here and then read what we
/// answer (DNS rebinding); such a name is none of these.</summary>
/// <param name="names">Besides <c>localhost</c> and addresses.</param>
public sealed class OwnNames(ImmutableArray<string> names)
{
    /// <summary>A rebound name is a name: whoever asks by address asked for this machine.</summary>
    public bool Hold(HostString host)
    {
        var name = host.Host.TrimEnd('.');
        return IPAddress.TryParse(name, out _)
            || name.Equals("localhost", StringComparison.OrdinalIgnoreCase)
            || names.Contains(name, StringComparer.OrdinalIgnoreCase);
    }
}
