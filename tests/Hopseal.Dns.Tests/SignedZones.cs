using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Hopseal.Dns.Tests;

/// <summary>A real validating resolver over real signed zones: unbound in front of nsd, on loopback ports of their own, in a
/// directory of their own. Needs the Debian packages <c>unbound</c>, <c>nsd</c> and <c>ldnsutils</c>, and says so when they are missing.</summary>
/// <remarks><c>test</c> is signed and its key is the trust anchor; <c>insecure.test</c> is delegated without DS; <c>bogus.test</c> is
/// delegated with DS, and was changed after it was signed.</remarks>
public sealed class SignedZones : IAsyncLifetime
{
    const string Head = "$TTL 300\n@ SOA ns.test. hostmaster.test. 1 3600 600 86400 60\n@ NS ns.test.\n";

    const string SecureZone = "$ORIGIN test.\n" + Head + """
        ns        A     127.0.0.1
        @         MX    10 mx.test.
        mx        A     192.0.2.10
        mx        AAAA  2001:db8::10
        www       CNAME mx
        out       CNAME mx.insecure.test.
        null      MX    0 .
        *.wild    A     192.0.2.11
        insecure  NS    ns.test.
        bogus     NS    ns.test.

        """;

    const string InsecureZone = "$ORIGIN insecure.test.\n" + Head + """
        @         MX    10 mx
        mx        A     192.0.2.20
        in        CNAME mx.test.

        """;

    const string BogusZone = "$ORIGIN bogus.test.\n" + Head + """
        @         MX    10 mx
        mx        A     192.0.2.66

        """;

    readonly string _directory = Directory.CreateTempSubdirectory("hopseal-zones-").FullName;
    readonly List<Process> _processes = [];

    /// <summary>Where the unbound that validates listens.</summary>
    public IPEndPoint Resolver { get; private set; } = new(IPAddress.Loopback, 0);

    /// <summary>One that does not validate.</summary>
    public IPEndPoint Blind { get; private set; } = new(IPAddress.Loopback, 0);

    /// <summary>One that validates, and hands out what is bogus all the same.</summary>
    public IPEndPoint Permissive { get; private set; } = new(IPAddress.Loopback, 0);

    public async ValueTask InitializeAsync()
    {
        var bogusKey = Key("bogus.test");
        var key = Key("test");
        Write("bogus.test.zone", BogusZone);
        Write("insecure.test.zone", InsecureZone);
        Write("test.zone", SecureZone + File.ReadAllText(At(bogusKey + ".ds")));
        Run("ldns-signzone", "-f", "test.signed", "test.zone", key);
        Run("ldns-signzone", "-f", "bogus.test.signed", "bogus.test.zone", bogusKey);
        Write("bogus.test.signed", File.ReadAllText(At("bogus.test.signed")).Replace("192.0.2.66", "192.0.2.67", StringComparison.Ordinal));

        var authority = FreePort();
        (Resolver, Blind, Permissive) = (FreeEndPoint(), FreeEndPoint(), FreeEndPoint());
        Write("nsd.conf", NsdConfiguration(authority));
        Start("nsd", "-d", "-c", At("nsd.conf"));
        StartUnbound("validating", Resolver, authority, key, """module-config: "validator iterator" """);
        StartUnbound("blind", Blind, authority, key, """module-config: "iterator" """);
        StartUnbound("permissive", Permissive, authority, key, "module-config: \"validator iterator\"\n  val-permissive-mode: yes");
        await Task.WhenAll(ReadyAsync(Resolver), ReadyAsync(Blind), ReadyAsync(Permissive));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _processes)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync(CancellationToken.None);
            process.Dispose();
        }

        Directory.Delete(_directory, recursive: true);
    }

    string NsdConfiguration(int port) => $"""
        server:
          ip-address: 127.0.0.1@{port}
          username: ""
          chroot: ""
          zonesdir: "{_directory}"
          database: ""
          pidfile: "{At("nsd.pid")}"
          xfrdfile: "{At("xfrd.state")}"
          xfrdir: "{_directory}"
          zonelistfile: "{At("zone.list")}"
          logfile: "{At("nsd.log")}"
          server-count: 1
        remote-control:
          control-enable: no
        zone:
          name: test
          zonefile: test.signed
        zone:
          name: bogus.test
          zonefile: bogus.test.signed
        zone:
          name: insecure.test
          zonefile: insecure.test.zone
        """;

    void StartUnbound(string name, IPEndPoint endpoint, int authority, string key, string modules)
    {
        Write(name + ".conf", UnboundConfiguration(name, endpoint, authority, key, modules));
        Start("unbound", "-d", "-c", At(name + ".conf"));
    }

    string UnboundConfiguration(string name, IPEndPoint endpoint, int authority, string key, string modules) => $"""
        server:
          interface: 127.0.0.1@{endpoint.Port}
          port: {endpoint.Port}
          do-daemonize: no
          username: ""
          chroot: ""
          directory: "{_directory}"
          pidfile: ""
          use-syslog: no
          logfile: "{At(name + ".log")}"
          num-threads: 1
          do-ip6: no
          do-not-query-localhost: no
          local-zone: "test." nodefault
          trust-anchor-file: "{At(key + ".key")}"
          {modules}
          ede: yes
        remote-control:
          control-enable: no

        """ + string.Concat(((string[])["test", "insecure.test", "bogus.test"]).Select(zone => $"""
        stub-zone:
          name: "{zone}"
          stub-addr: 127.0.0.1@{authority}

        """));

    // One key for both roles, as small zones have it.
    string Key(string zone) => Run("ldns-keygen", "-a", "ECDSAP256SHA256", "-k", zone).Trim();

    string At(string file) => Path.Combine(_directory, file);

    void Write(string file, string text) => File.WriteAllText(At(file), text);

    string Run(string program, params string[] arguments)
    {
        using var process = Launch(program, arguments, redirect: true);
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}");
        return output;
    }

    void Start(string program, params string[] arguments) => _processes.Add(Launch(program, arguments, redirect: false));

    Process Launch(string program, string[] arguments, bool redirect)
    {
        // nsd and unbound live where only root's PATH looks.
        var path = ((string[])["/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"]).Select(place => Path.Combine(place, program)).FirstOrDefault(File.Exists);
        Assert.True(path is not null, $"{program} is missing: apt-get install -y unbound nsd ldnsutils");
        return Process.Start(new ProcessStartInfo(path, arguments) { WorkingDirectory = _directory, RedirectStandardOutput = redirect })!;
    }

    async Task ReadyAsync(IPEndPoint endpoint)
    {
        var resolver = new TrustedResolver(
            new TrustedResolverOptions { Servers = [endpoint], Tries = 1, Timeout = TimeSpan.FromMilliseconds(500), CacheEntries = 0 }, TimeProvider.System);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (await resolver.MxAsync(DomainName.Parse("test"), patience.Token) is not DnsAnswer<MxRecord>.Found)
        {
            Assert.DoesNotContain(_processes, process => process.HasExited);
            await Task.Delay(20, patience.Token);
        }
    }

    static IPEndPoint FreeEndPoint() => new(IPAddress.Loopback, FreePort());

    static int FreePort()
    {
        using var udp = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        udp.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        using var tcp = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        tcp.Bind(udp.LocalEndPoint!);
        return int.Parse(udp.LocalEndPoint!.ToString()!.Split(':')[1], CultureInfo.InvariantCulture);
    }
}
