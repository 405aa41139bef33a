using System.Collections.Immutable;
using System.Net;
using Hopseal.Smtp.Server;

namespace Hopseal.Configuration;

/// <summary>An entry of <c>Listeners</c>: one address and port that takes mail.</summary>
/// <param name="ProxyFrom">Networks whose connections begin with a PROXY header.</param>
sealed record ListenerSettings(
    string Name,
    IPEndPoint Endpoint,
    ListenerMode Mode,
    AuthenticationUse Authentication,
    ImmutableArray<IPNetwork> ProxyFrom)
{
    public static ImmutableArray<ListenerSettings> ReadAll(Section root, bool hasCertificates, bool hasUsers)
    {
        var listeners = new List<ListenerSettings>();
        if (root.Require("Listeners") is not { } list)
        {
            return [];
        }

        var keys = new Dictionary<IPEndPoint, string>();
        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var section in list.Items().Select(item => item.Section()).OfType<Section>())
        {
            var listener = Read(section, hasCertificates, hasUsers);
            if (listener is null)
            {
                continue;
            }

            if (!keys.TryAdd(listener.Endpoint, section.Key))
            {
                section.Find("Endpoint")?.Error($"{keys[listener.Endpoint]} listens on {listener.Endpoint} already");
            }

            if (!names.TryAdd(listener.Name, section.Key))
            {
                section.Find("Name")?.Error($"{names[listener.Name]} is named {Shown.Text(listener.Name)} already");
            }

            listeners.Add(listener);
        }

        if (list.Node is ConfigNode.List { Items.Length: 0 })
        {
            list.Error("is empty: a gateway needs at least one listener");
        }

        return [.. listeners];
    }

    static ListenerSettings? Read(Section section, bool hasCertificates, bool hasUsers)
    {
        var name = section.Require("Name")?.Text();
        var endpoint = section.Require("Endpoint")?.Endpoint();
        var modeSetting = section.Require("Mode");
        var mode = modeSetting?.Choice<ListenerMode>();
        var authenticationSetting = section.Find("Authentication");
        var authentication = authenticationSetting?.Choice<AuthenticationUse>() ?? AuthenticationUse.None;
        var proxyFrom = section.Find("ProxyFrom")?.Items().Select(item => item.Network()).OfType<IPNetwork>() ?? [];
        var proxyNetworks = proxyFrom.ToImmutableArray();
        section.Close();

        if (mode is ListenerMode.StartTlsRequired or ListenerMode.ImplicitTls && !hasCertificates)
        {
            modeSetting?.Error($"{mode} needs a certificate, and Certificates has none");
        }

        if (mode is ListenerMode.StartTls && !hasCertificates)
        {
            modeSetting?.Warn("STARTTLS will not be offered: Certificates has none");
        }

        if (authentication is not AuthenticationUse.None && !hasUsers)
        {
            authenticationSetting?.Error($"{authentication} without anybody in Users: nobody could log in");
        }

        if (authentication is AuthenticationUse.Required && mode is ListenerMode.StartTls)
        {
            authenticationSetting?.Warn("clients log in inside TLS only, so say Mode StartTlsRequired to tell them");
        }

        return name is null || endpoint is null || mode is null
            ? null
            : new ListenerSettings(name, endpoint, mode.Value, authentication, proxyNetworks);
    }
}
