using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Hopseal.Interop.Tests.Fixtures;

/// <summary>What is the matter with a zone of a <see cref="SignedTree"/>.</summary>
enum ZoneState
{
    /// <summary>Signed, with a DS record above it.</summary>
    Signed,

    /// <summary>Delegated without DS.</summary>
    Unsigned,

    /// <summary>Signed, and its MX records were changed after that.</summary>
    Forged,

    /// <summary>Signed, and the signatures ran out years ago.</summary>
    Expired,

    /// <summary>Delegated as the zone above it allows, to a server that never answers.</summary>
    Silent,
}

/// <param name="Name">Without the final dot; empty for the root.</param>
sealed record TreeZone(string Name, ZoneState State)
{
    public bool Holds(string owner) => Name.Length == 0 || owner == Name || owner.EndsWith("." + Name, StringComparison.Ordinal);
}

/// <summary>DNS as the world has it, on loopback: a signed root, whose key is the trust anchor, and zones below it with DS records, served by nsd
/// and looked up by an unbound that validates. Every process and file of it is this test's own.</summary>
sealed class SignedTree : IAsyncDisposable
{
    const string NameServer = "ns.test.";

    static readonly string[] s_programs = ["nsd", "unbound", "ldns-keygen", "ldns-signzone"];
    static readonly TreeZone s_root = new("", ZoneState.Signed);

    readonly TestDirectory _directory = new("tree");
    readonly Socket _silent = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
    readonly List<Process> _processes = [];
    readonly Dictionary<TreeZone, string> _keys = [];
    readonly int _authority = Ports.Next();
    TreeZone[] _zones = [];
    int _serial = 1;
    bool _atRealPort;

    SignedTree() => _silent.Bind(new IPEndPoint(IPAddress.Loopback, 0));

    /// <summary>Why there cannot be one here; null when there can.</summary>
    public static string? Unavailable => s_programs.FirstOrDefault(program => Find(program) is null) is { } missing
        ? $"{missing} is missing: apt-get install -y nsd unbound ldnsutils"
        : null;

    /// <summary>Of the resolver that validates.</summary>
    public int Port { get; } = Ports.Next();

    /// <summary>Where the resolver that validates answers at the real port of DNS, for programs that know no other; a loopback address of its
    /// own.</summary>
    public IPAddress Address { get; } = new([127, (byte)Random.Shared.Next(192, 255), (byte)Random.Shared.Next(256), (byte)Random.Shared.Next(1, 255)]);

    /// <summary>Of one that asks the same servers and does not validate: it never says AD.</summary>
    public int StrippingPort { get; } = Ports.Next();

    /// <summary>Every question that came to the validating resolver, one a line.</summary>
    public string Questions => File.ReadAllText(_directory["unbound.log"]);

    /// <param name="zones">Without the root; parents before children.</param>
    /// <param name="records">As in a zone file, with full names: <c>mx.test. A 127.0.0.1</c>. Each goes into the deepest zone that can hold
    /// it.</param>
    /// <param name="atRealPort">Whether it answers at <see cref="Address"/> too, which takes root.</param>
    public static async Task<SignedTree> StartAsync(
        IReadOnlyList<TreeZone> zones, IEnumerable<string> records, CancellationToken cancel, bool atRealPort = false)
    {
        var tree = new SignedTree { _atRealPort = atRealPort };
        try
        {
            await tree.StartAsync([s_root, .. zones], [.. records, $"{NameServer} A 127.0.0.1"], cancel);
            return tree;
        }
        catch
        {
            await tree.DisposeAsync();
            throw;
        }
    }

    /// <summary>Puts other records into all zones, signs them again and has them served. Resolvers see it when their caches run out.</summary>
    public async Task PublishAsync(IEnumerable<string> records, CancellationToken cancel)
    {
        _serial++;
        await WriteZonesAsync([.. records, $"{NameServer} A 127.0.0.1"], cancel);
        await Command.RunAsync("kill", ["-HUP", $"{_processes[0].Id}"], cancel);
    }

    public async ValueTask DisposeAsync() => await Ending.OfAllAsync(_processes.Select(process => new Running(process)), _silent, _directory);

    async Task StartAsync(TreeZone[] zones, string[] records, CancellationToken cancel)
    {
        _zones = zones;
        foreach (var zone in zones.Where(zone => zone.State is not ZoneState.Unsigned))
        {
            _keys[zone] = await RunAsync("ldns-keygen", ["-a", "ECDSAP256SHA256", "-k", zone.Name.Length == 0 ? "." : zone.Name], cancel);
        }

        await WriteZonesAsync(records, cancel);
        Start("nsd", ["-d", "-c", _directory.Write("nsd.conf", NsdConfiguration(zones))]);
        var trust = $"trust-anchor-file: \"{_directory[_keys[zones[0]] + ".key"]}\"";
        Start("unbound", ["-d", "-c", _directory.Write("unbound.conf", UnboundConfiguration(zones, Port, "unbound.log", "validator iterator", trust))]);
        Start("unbound", ["-d", "-c", _directory.Write("plain.conf", UnboundConfiguration(zones, StrippingPort, "plain.log", "iterator", ""))]);
        foreach (var port in new[] { _authority, Port, StrippingPort })
        {
            await Eventually.FindAsync("the name servers listening", TimeSpan.FromSeconds(20), () => TryConnectAsync(port, cancel), Story, cancel);
        }
    }

    async Task WriteZonesAsync(string[] records, CancellationToken cancel)
    {
        foreach (var zone in _zones.Where(zone => zone.State is not ZoneState.Silent))
        {
            _directory.Write(FileOf(zone), TextOf(zone, _zones, records));
            if (_keys.TryGetValue(zone, out var key))
            {
                await SignAsync(zone, key, cancel);
            }
        }
    }

    string TextOf(TreeZone zone, TreeZone[] zones, string[] records)
    {
        var text = new StringBuilder($"$ORIGIN {zone.Name}.\n$TTL 300\n@ SOA {NameServer} hostmaster.test. {_serial} 3600 600 86400 60\n@ NS {NameServer}\n");
        foreach (var record in records.Where(record => zones.Last(one => one.Holds(OwnerOf(record))) == zone))
        {
            text.AppendLine(record);
        }

        if (zone.Name.Length == 0)
        {
            text.AppendLine($"{NameServer} A 127.0.0.1");
        }

        foreach (var child in zones.Where(child => child != zone && zones.LastOrDefault(one => one != child && one.Holds(child.Name)) == zone))
        {
            text.AppendLine($"{child.Name}. NS {NameServer}");
            if (zone.State is ZoneState.Signed && _keys.TryGetValue(child, out var key))
            {
                text.AppendLine(File.ReadAllText(_directory[key + ".ds"]).Trim());
            }
        }

        return text.ToString();
    }

    static string OwnerOf(string record) => record.Split(' ', 2)[0].TrimEnd('.');

    async Task SignAsync(TreeZone zone, string key, CancellationToken cancel)
    {
        string[] time = zone.State is ZoneState.Expired ? ["-i", "20200101", "-e", "20200201"] : [];
        await RunAsync("ldns-signzone", [.. time, "-f", SignedFileOf(zone), FileOf(zone), key], cancel);
        if (zone.State is ZoneState.Forged)
        {
            var signed = File.ReadAllText(_directory[SignedFileOf(zone)]);
            _directory.Write(SignedFileOf(zone), signed.Replace("\tMX\t10 ", "\tMX\t11 ", StringComparison.Ordinal));
        }
    }

    static string FileOf(TreeZone zone) => zone.Name.Length == 0 ? "root.zone" : zone.Name + ".zone";

    static string SignedFileOf(TreeZone zone) => FileOf(zone) + ".signed";

    string NsdConfiguration(TreeZone[] zones) => $"""
        server:
          ip-address: 127.0.0.1@{_authority}
          username: ""
          chroot: ""
          zonesdir: "{_directory.Path}"
          database: ""
          pidfile: "{_directory["nsd.pid"]}"
          xfrdfile: "{_directory["xfrd.state"]}"
          xfrdir: "{_directory.Path}"
          zonelistfile: "{_directory["zone.list"]}"
          logfile: "{_directory["nsd.log"]}"
          server-count: 1
        remote-control:
          control-enable: no

        """ + string.Concat(zones.Where(zone => zone.State is not ZoneState.Silent).Select(zone => $"""
        zone:
          name: "{zone.Name}."
          zonefile: "{(zone.State is ZoneState.Unsigned ? FileOf(zone) : SignedFileOf(zone))}"

        """));

    string UnboundConfiguration(TreeZone[] zones, int port, string log, string modules, string trust) => $"""
        server:
          interface: 127.0.0.1@{port}
          {(port == Port && _atRealPort ? $"interface: {Address}@53" : "")}
          port: {port}
          do-daemonize: no
          username: ""
          chroot: ""
          directory: "{_directory.Path}"
          pidfile: ""
          use-syslog: no
          logfile: "{_directory[log]}"
          log-queries: yes
          num-threads: 1
          do-ip6: no
          do-not-query-localhost: no
          local-zone: "test." nodefault
          module-config: "{modules}"
          ede: yes
          {trust}
        remote-control:
          control-enable: no

        """ + string.Concat(zones.Select(zone => $"""
        stub-zone:
          name: "{zone.Name}."
          stub-addr: 127.0.0.1@{(zone.State is ZoneState.Silent ? ((IPEndPoint)_silent.LocalEndPoint!).Port : _authority)}

        """));

    async Task<string> RunAsync(string program, string[] arguments, CancellationToken cancel)
    {
        var info = Command.StartInfo(Find(program)!, arguments);
        info.WorkingDirectory = _directory.Path;
        using var process = Process.Start(info)!;
        var output = process.StandardOutput.ReadToEndAsync(cancel);
        var error = process.StandardError.ReadToEndAsync(cancel);
        await process.WaitForExitAsync(cancel);
        new CommandResult(process.ExitCode, await output, await error).Succeeded($"{program} {string.Join(' ', arguments)}");
        return (await output).Trim();
    }

    void Start(string program, string[] arguments)
    {
        var process = Process.Start(Command.StartInfo(Find(program)!, arguments))!;
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        _processes.Add(process);
    }

    string Story() => string.Join('\n', Directory.GetFiles(_directory.Path, "*.log").Select(log => $"{log}:\n{File.ReadAllText(log)}"))
        + string.Join('\n', _processes.Select(process => $"{process.StartInfo.FileName} exited: {process.HasExited}"));

    static async Task<object?> TryConnectAsync(int port, CancellationToken cancel)
    {
        try
        {
            using var probe = new TcpClient();
            await probe.ConnectAsync(IPAddress.Loopback, port, cancel);
            return probe;
        }
        catch (SocketException)
        {
            return null;
        }
    }

    /// <summary>nsd and unbound live where only root's PATH looks.</summary>
    static string? Find(string program) =>
        ((string[])["/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"]).Select(place => Path.Combine(place, program)).FirstOrDefault(File.Exists);

    sealed class Running(Process process) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }

            await process.WaitForExitAsync();
            process.Dispose();
        }
    }
}
