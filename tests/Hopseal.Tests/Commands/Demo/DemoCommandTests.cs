namespace Hopseal.Tests.Commands.Demo;

public sealed class DemoCommandTests
{
    [Fact]
    public async Task The_demo_proves_both_hops_and_keeps_mail_from_the_attacker()
    {
        var run = await CommandRun.OfAsync("/", ["demo", "--once"]);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.DoesNotContain("✗", run.Out, StringComparison.Ordinal);
        foreach (var line in new[]
        {
            "authenticated (PKIX)",
            "the message arrived byte for byte, behind one added Received header",
            "mx.dane.example proved who it is by the key in its signed TLSA record",
            "mx.sts.example proved who it is by a valid certificate for the name in its MTA-STS policy",
            "policy     Authenticated DANE: TLSA at mx.dane.example: 3 1 1 ",
            "policy     Authenticated MTA-STS: enforce, id 20260101, ",
            "no sender, no recipient, no content crossed this hop",
            "1 message in the queue",
        })
        {
            Assert.Contains(line, run.Out, StringComparison.Ordinal);
        }
    }
}
