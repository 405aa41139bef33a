using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Hopseal.Interop.Tests.Fixtures;

/// <summary>How the hosts of a <see cref="SimulatedWorld"/> were asked since the last time, as they saw it.</summary>
/// <param name="MostAtOnceToANetwork">Connections that a client had open to one /24.</param>
sealed record WorldTally(int Connections, int Addresses, int MostToAnAddress, int MostAtOnceToANetwork, int Questions);

/// <summary><c>bench/Hopseal.Hosts</c>: some hundred domains with their DNS and mail hosts, all near, the slow ones slow for a second.</summary>
sealed class SimulatedWorld : IAsyncDisposable
{
    static readonly TimeSpan s_longest = TimeSpan.FromSeconds(120);
    static readonly JsonSerializerOptions s_json = new() { PropertyNameCaseInsensitive = true };

    readonly Process _process;
    readonly TestDirectory _directory;

    SimulatedWorld(Process process, TestDirectory directory, int dnsPort, int mailPort) =>
        (_process, _directory, DnsPort, MailPort) = (process, directory, dnsPort, mailPort);

    public int DnsPort { get; }

    public int MailPort { get; }

    public string List => System.IO.Path.Combine(_directory["world"], "domains.txt");

    public string Root => System.IO.Path.Combine(_directory["world"], "root.pem");

    public IReadOnlyList<string> Domains => File.ReadAllLines(List);

    public static async Task<SimulatedWorld> StartAsync(TestDirectory directory, int domains, CancellationToken cancel)
    {
        var (dns, mail) = (Ports.Next(), Ports.Next());
        string[] arguments = ["-n", Number(domains), "-d", Number(dns), "-p", Number(mail), "-l", "5", "-q", "1", "-s", "1", directory["world"]];
        var process = new Process { StartInfo = Command.StartInfo(Executable.Hosts, arguments) };
        process.Start();
        var world = new SimulatedWorld(process, directory, dns, mail);
        Assert.Equal("ready", await world.LineAsync(cancel));
        return world;
    }

    public async Task<WorldTally> TallyAsync(CancellationToken cancel)
    {
        await _process.StandardInput.WriteLineAsync("tally".AsMemory(), cancel);
        await _process.StandardInput.FlushAsync(cancel);
        return JsonSerializer.Deserialize<WorldTally>(await LineAsync(cancel), s_json)!;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    async Task<string> LineAsync(CancellationToken cancel) =>
        await _process.StandardOutput.ReadLineAsync(cancel).AsTask().WaitAsync(s_longest, cancel)
            ?? throw new InvalidOperationException($"the simulated world ended: {await _process.StandardError.ReadToEndAsync(cancel)}");

    static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
}
