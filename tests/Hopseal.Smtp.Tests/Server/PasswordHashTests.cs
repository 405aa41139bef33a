using Hopseal.Smtp.Server;

namespace Hopseal.Smtp.Tests.Server;

public sealed class PasswordHashTests
{
    // Salt, iterations and proof of the example in RFC 7677 §3 (password "pencil"); keys derived with OpenSSL.
    const string Rfc7677 = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";

    [Theory]
    [InlineData("pencil", true)]
    [InlineData("pencils", false)]
    [InlineData("", false)]
    public async Task The_example_of_the_RFC_verifies(string password, bool right)
    {
        Assert.True(PasswordHash.TryParse(Rfc7677, out var hash));
        Assert.Equal(right, await hash.VerifyAsync(password, TestContext.Current.CancellationToken));
        Assert.Equal(right, await hash.VerifyAsync(password, TestContext.Current.CancellationToken));
    }

    [Fact]
    public void The_text_form_survives_a_round_trip()
    {
        var hash = PasswordHash.Create("correct horse", 4096);
        Assert.True(PasswordHash.TryParse(hash.ToString(), out var again));
        Assert.Equal(hash.ToString(), again.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("pencil")]
    [InlineData("SCRAM-SHA-1$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=")]
    [InlineData("SCRAM-SHA-256$1:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=")]
    [InlineData("SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=")]
    [InlineData("SCRAM-SHA-256$4096:%%$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=")]
    public void Anything_else_is_not_a_hash(string text) => Assert.False(PasswordHash.TryParse(text, out _));
}
