using System.Diagnostics;
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
