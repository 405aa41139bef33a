using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hopseal.Commands;
using Hopseal.Dns;
using Microsoft.Extensions.Time.Testing;

namespace Hopseal.Tests.Commands;

/// <summary><c>hopseal plan</c> over zones: each file of <c>PlanCases</c> has a zone, a configuration, what was kept from before, and the output that
/// belongs to it. <c>UPDATE_GOLDEN=1</c> writes the output into the files; the change is then to be read as carefully as code.</summary>
public sealed class PlanCaseTests : IDisposable
{
    static readonly DateTimeOffset s_now = new(2026, 5, 1, 12, 0, 0, TimeSpan.Zero);
    static readonly JsonSerializerOptions s_json = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    readonly Workspace _workspace = new();

    public static TheoryData<string> Cases =>
        new(Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Commands", "PlanCases"))
            .Select(file => Path.GetFileNameWithoutExtension(file)).Order(StringComparer.Ordinal));

    public void Dispose() => _workspace.Dispose();

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task The_plan_of_a_zone_is_as_it_was(string name)
    {
        var written = await File.ReadAllTextAsync(
            Path.Combine(AppContext.BaseDirectory, "Commands", "PlanCases", name + ".txt"), TestContext.Current.CancellationToken);
        var sections = Sections(written);
        Prepare(sections);
        var zone = ZoneResolver.Parse(sections["zone"]);
        string[] command = [.. sections["command"].Trim().Split(' '), "--config", "hopseal.json"];
        var text = await RunAsync(zone, command);
        var json = await RunAsync(zone, [.. command, "--json"]);
        Assert.Equal(text.ExitCode, json.ExitCode);

        sections["exit"] = text.ExitCode.ToString(CultureInfo.InvariantCulture) + "\n";
        sections["text"] = text.Out;
        sections["json"] = JsonNode.Parse(json.Out)!.ToJsonString(s_json) + "\n";
        var actual = string.Concat(sections.Select(section => $"== {section.Key}\n{section.Value}"));
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
        {
            await File.WriteAllTextAsync(Source(name), actual, TestContext.Current.CancellationToken);
        }
        else
        {
            Assert.Equal(written, actual);
        }
    }

    /// <summary>In their order; a section begins with a line of "== " and its name.</summary>
    static OrderedDictionary<string, string> Sections(string text)
    {
        var sections = new OrderedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var section in text.Split("== ", StringSplitOptions.RemoveEmptyEntries))
        {
            var end = section.IndexOf('\n', StringComparison.Ordinal);
            sections[section[..end]] = section[(end + 1)..];
        }

        return sections;
    }

    void Prepare(OrderedDictionary<string, string> sections)
    {
        using var certificate = _workspace.WriteCertificate("mx");
        _workspace.WriteSecret("secret", "geheim\n");
        var settings = sections.TryGetValue("settings", out var members) ? members.Trim() + "," : "";
        _workspace.Write("hopseal.json", $$"""
            {
              "Hostname": "mx1.example.org", "DataDirectory": "data", "RelayFrom": [ "127.0.0.1" ], {{settings}}
              "Listeners": [ { "Name": "mx", "Endpoint": "127.0.0.1:2525", "Mode": "StartTls" } ],
              "Certificates": [ { "Chain": "mx.pem", "Key": "mx.key" } ]
            }
            """);
        Directory.CreateDirectory(_workspace.PathOf("data"));
        foreach (var file in new[] { "proven-tls", "mta-sts-policies" })
        {
            _workspace.Write(Path.Combine("data", file), sections.TryGetValue(file, out var kept) ? kept : "");
        }
    }

    async Task<CommandRun> RunAsync(ZoneResolver zone, string[] args)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        var terminal = new Terminal
        {
            Out = output,
            Error = error,
            OpenInput = () => Stream.Null,
            Directory = _workspace.Directory,
            Clock = new FakeTimeProvider(s_now),
            Zone = zone,
        };
        var code = await CommandLine.RunAsync(args, terminal, TestContext.Current.CancellationToken);
        Assert.True(output.ToString().Length > 0, error.ToString());
        return new CommandRun(code, output.ToString(), error.ToString());
    }

    static string Source(string name)
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory.FullName, "Hopseal.slnx")))
        {
            directory = directory.Parent ?? throw new InvalidOperationException("the tests do not run inside the repository");
        }

        return Path.Combine(directory.FullName, "tests", "Hopseal.Tests", "Commands", "PlanCases", name + ".txt");
    }
}
