using System.Security.Cryptography;
using System.Text;
using Hopseal.Smtp.Sasl;
using Hopseal.Smtp.Server;

namespace Hopseal.Smtp.Tests.Sasl;

public sealed class SaslServerExchangeTests
{
    static readonly OneUser s_users = new("post=master,1", PasswordHash.Create("pencil", 4096));

    [Theory]
    [InlineData("\0post=master,1\0pencil", true)]
    [InlineData("post=master,1\0post=master,1\0pencil", true)]
    [InlineData("\0post=master,1\0pencils", false)]
    [InlineData("\0nobody\0pencil", false)]
    public async Task Plain_accepts_the_right_password_and_nothing_else(string message, bool right) =>
        Assert.Equal(right, await RunAsync("PLAIN", message) is SaslStep.Succeeded { User: "post=master,1" });

    [Theory]
    [InlineData("")]
    [InlineData("post=master,1")]
    [InlineData("\0post=master,1")]
    [InlineData("root\0post=master,1\0pencil")]
    [InlineData("\0post=master,1\0pen\0cil")]
    [InlineData("\0\0pencil")]
    public async Task Plain_calls_a_message_of_another_form_malformed(string message) =>
        Assert.Equal(new SaslStep.Failed(Malformed: true), await RunAsync("PLAIN", message));

    [Fact]
    public async Task Login_asks_for_user_and_password()
    {
        var exchange = Start("LOGIN");
        Assert.Equal("Username:", Said(await exchange.NextAsync(null, Cancel)));
        Assert.Equal("Password:", Said(await exchange.NextAsync("post=master,1"u8.ToArray(), Cancel)));
        Assert.IsType<SaslStep.Succeeded>(await exchange.NextAsync("pencil"u8.ToArray(), Cancel));
    }

    [Theory]
    [InlineData("pencil", "n,,", true)]
    [InlineData("pencil", "y,,", true)]
    [InlineData("pencil", "n,a=post=3Dmaster=2C1,", true)]
    [InlineData("wrong", "n,,", false)]
    public async Task Scram_proves_both_sides(string password, string header, bool right)
    {
        var exchange = Start("SCRAM-SHA-256");
        const string bare = "n=post=3Dmaster=2C1,r=rOprNGfwEbeRWgbNEkqO";
        var first = Said(await exchange.NextAsync(Encoding.UTF8.GetBytes(header + bare), Cancel));
        var fields = first.Split(',').ToDictionary(field => field[0], field => field[2..]);
        Assert.StartsWith("rOprNGfwEbeRWgbNEkqO", fields['r'], StringComparison.Ordinal);

        var salted = Rfc2898DeriveBytes.Pbkdf2(
            password, Convert.FromBase64String(fields['s']), int.Parse(fields['i'], null), HashAlgorithmName.SHA256, 32);
        var clientKey = HMACSHA256.HashData(salted, "Client Key"u8);
        var withoutProof = $"c={Convert.ToBase64String(Encoding.UTF8.GetBytes(header))},r={fields['r']}";
        var authMessage = Encoding.UTF8.GetBytes($"{bare},{first},{withoutProof}");
        var proof = clientKey.Zip(HMACSHA256.HashData(SHA256.HashData(clientKey), authMessage), (a, b) => (byte)(a ^ b)).ToArray();
        var final = await exchange.NextAsync(Encoding.UTF8.GetBytes($"{withoutProof},p={Convert.ToBase64String(proof)}"), Cancel);

        if (!right)
        {
            Assert.Equal(new SaslStep.Failed(Malformed: false), final);
            return;
        }

        var signature = HMACSHA256.HashData(HMACSHA256.HashData(salted, "Server Key"u8), authMessage);
        Assert.Equal("v=" + Convert.ToBase64String(signature), Said(final));
        Assert.Equal(new SaslStep.Succeeded("post=master,1"), await exchange.NextAsync(ReadOnlyMemory<byte>.Empty, Cancel));
    }

    [Theory]
    [InlineData("p=tls-exporter,,n=post,r=rOprNGfwEbeRWgbNEkqO")]
    [InlineData("n,,n=po=st,r=rOprNGfwEbeRWgbNEkqO")]
    [InlineData("n,,m=ext,n=post,r=rOprNGfwEbeRWgbNEkqO")]
    [InlineData("n,a=other,n=post,r=rOprNGfwEbeRWgbNEkqO")]
    [InlineData("n,,n=post,r=short")]
    [InlineData("n,,n=,r=rOprNGfwEbeRWgbNEkqO")]
    [InlineData("n")]
    [InlineData("")]
    public async Task Scram_calls_a_message_of_another_form_malformed(string message) =>
        Assert.Equal(new SaslStep.Failed(Malformed: true), await RunAsync("SCRAM-SHA-256", message));

    [Fact]
    public async Task Scram_goes_on_with_an_unknown_user_and_always_shows_it_the_same_salt()
    {
        const string message = "n,,n=nobody,r=rOprNGfwEbeRWgbNEkqO";
        static string Salt(SaslStep step) => Said(step).Split(',').Single(field => field.StartsWith("s=", StringComparison.Ordinal));
        Assert.Equal(Salt(await RunAsync("SCRAM-SHA-256", message)), Salt(await RunAsync("SCRAM-SHA-256", message)));
    }

    [Fact]
    public void Other_mechanisms_are_not_offered()
    {
        Assert.Null(SaslServerExchange.Start("CRAM-MD5", s_users));
        Assert.All(SaslServerExchange.Mechanisms.Split(' '), name => Assert.NotNull(SaslServerExchange.Start(name, s_users)));
    }

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    static SaslServerExchange Start(string mechanism) =>
        SaslServerExchange.Start(mechanism, s_users) ?? throw new InvalidOperationException(mechanism);

    static async Task<SaslStep> RunAsync(string mechanism, string message) =>
        await Start(mechanism).NextAsync(Encoding.UTF8.GetBytes(message), Cancel);

    static string Said(SaslStep step) => Encoding.UTF8.GetString(Assert.IsType<SaslStep.Challenge>(step).Octets.Span);

    sealed record OneUser(string Name, PasswordHash Hash) : ICredentials
    {
        public PasswordHash? Find(string user) => user == Name ? Hash : null;
    }
}
