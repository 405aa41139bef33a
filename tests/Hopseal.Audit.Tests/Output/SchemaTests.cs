using System.Diagnostics;
using System.Text.Json.Nodes;
using Hopseal.Audit.Checks;
using Hopseal.Audit.Output;
using Hopseal.Audit.Profiles;

namespace Hopseal.Audit.Tests.Output;

public sealed class SchemaTests
{
    [Fact]
    public void The_published_schema_describes_what_is_written()
    {
        var file = Path.Combine(Root(), "docs", "schema", "audit-1.json");
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
        {
            File.WriteAllText(file, AuditJson.Schema());
        }

        Assert.Equal(File.ReadAllText(file), AuditJson.Schema());
    }

    /// <summary>By a validator that is not ours: Python's.</summary>
    [Fact]
    public async Task What_is_written_is_valid_by_the_published_schema_and_what_is_not_is_refused()
    {
        var good = AuditJson.Write(AuditDocument.Of(Judge.Of(GoodFacts.All, Profile.Named("strict")), "test"), indented: true);
        var sparse = AuditJson.Write(AuditDocument.Of(Judge.Of(GoodFacts.All with { Domain = null, Hosts = [] }, Profile.Named("strict")), "test"), indented: false);

        Assert.Equal("", await ValidateAsync(good));
        Assert.Equal("", await ValidateAsync(sparse));
        Assert.Contains("perhaps", await ValidateAsync(good.Replace("\"confidential\": \"ok\"", "\"confidential\": \"perhaps\"", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.NotEqual("", await ValidateAsync(good.Replace("\"target\"", "\"tragte\"", StringComparison.Ordinal)));
    }

    /// <summary>A file that somebody cut or edited is a file: it is judged, or refused with a message.</summary>
    [Fact]
    public void Whatever_is_missing_or_null_in_a_stored_report_is_refused_or_judged()
    {
        var json = AuditJson.Write(AuditDocument.Of(Judge.Of(GoodFacts.All, Profile.Named("strict")), "test"), indented: false);
        var judged = 0;
        foreach (var path in Paths(JsonNode.Parse(json)!).ToArray())
        {
            foreach (var spoil in (Action<JsonNode>[])[node => Remove(node), node => node.ReplaceWith<JsonNode?>(null), node => node.ReplaceWith(7)])
            {
                var spoilt = JsonNode.Parse(json)!;
                spoil(Find(spoilt, path));
                try
                {
                    Assert.NotEmpty(AuditJson.Read(spoilt.ToJsonString()).Rejudge(Profile.Named("strict")).Findings);
                    judged++;
                }
                catch (InvalidDataException)
                {
                    // Refused.
                }
            }
        }

        Assert.NotEqual(0, judged);
    }

    static void Remove(JsonNode node)
    {
        if (node.Parent is JsonObject parent)
        {
            parent.Remove(node.GetPropertyName());
        }
        else
        {
            node.Parent!.AsArray().Remove(node);
        }
    }

    static IEnumerable<object[]> Paths(JsonNode node) => (node switch
    {
        JsonObject members => members.Select(member => ((object)member.Key, member.Value)),
        JsonArray elements => elements.Select((element, at) => ((object)at, element)),
        _ => [],
    }).Where(child => child.Item2 is not null).SelectMany(child => Paths(child.Item2!).Select(rest => (object[])[child.Item1, .. rest]).Prepend([child.Item1]));

    static JsonNode Find(JsonNode node, object[] path) => path.Aggregate(node, (here, step) => (step is int at ? here[at] : here[(string)step])!);

    static async Task<string> ValidateAsync(string json)
    {
        const string Script =
            """
            import json, sys, jsonschema
            schema = json.load(open(sys.argv[1]))
            try:
                jsonschema.Draft202012Validator.check_schema(schema)
                jsonschema.Draft202012Validator(schema).validate(json.load(sys.stdin))
            except jsonschema.ValidationError as e:
                print(e.message)
            """;
        using var python = Process.Start(new ProcessStartInfo("python3")
        {
            ArgumentList = { "-c", Script, Path.Combine(Root(), "docs", "schema", "audit-1.json") },
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        await python.StandardInput.WriteAsync(json);
        python.StandardInput.Close();
        var output = python.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var error = await python.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await python.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal("", error);
        return (await output).Trim();
    }

    static string Root()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory.FullName, "Hopseal.slnx")))
        {
            directory = directory.Parent ?? throw new InvalidOperationException("the tests do not run inside the repository");
        }

        return directory.FullName;
    }
}
