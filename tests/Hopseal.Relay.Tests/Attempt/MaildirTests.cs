using System.Text;
using Hopseal.Relay.Attempt;
using Hopseal.Smtp.Mail;

namespace Hopseal.Relay.Tests.Attempt;

public sealed class MaildirTests : IDisposable
{
    readonly Scratch _scratch = new();
    readonly CancellationToken _cancel = TestContext.Current.CancellationToken;

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public async Task A_message_arrives_whole_in_new_with_its_envelope_on_top()
    {
        var directory = Path.Combine(_scratch.Directory, "Mail");
        var maildir = new Maildir("mx.example.org", _scratch.Clock);
        using var content = new MemoryStream("Subject: x\r\n\r\nhello\r\n"u8.ToArray());
        var path = await maildir.DeliverAsync(directory, Scratch.Envelope("a@one.example", "b@one.example"), content, _cancel);

        Assert.Equal(Path.Combine(directory, "new"), Path.GetDirectoryName(path));
        Assert.Equal(
            "Return-Path: <sender@example.org>\r\nDelivered-To: a@one.example\r\nDelivered-To: b@one.example\r\n"
            + "Subject: x\r\n\r\nhello\r\n",
            await File.ReadAllTextAsync(path, _cancel));
        Assert.Empty(Directory.GetFiles(Path.Combine(directory, "tmp")));
        Assert.True(Directory.Exists(Path.Combine(directory, "cur")));
        if (!OperatingSystem.IsWindows())
        {
            const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            Assert.Equal(Owner, File.GetUnixFileMode(path));
            Assert.Equal(Owner | UnixFileMode.UserExecute, File.GetUnixFileMode(Path.Combine(directory, "new")));
        }
    }

    [Fact]
    public async Task Messages_of_one_moment_do_not_meet()
    {
        var maildir = new Maildir("a/b:c", _scratch.Clock);
        var paths = await Task.WhenAll(Enumerable.Range(0, 20).Select(async i =>
        {
            using var content = new MemoryStream(Encoding.ASCII.GetBytes($"{i}"));
            return await maildir.DeliverAsync(_scratch.Data, new Envelope(null, [Scratch.Mailbox("a@b.example")]), content, _cancel);
        }));

        Assert.Equal(20, paths.Distinct().Count());
        Assert.All(paths, path => Assert.EndsWith(@".a\057b\072c", path, StringComparison.Ordinal));
        Assert.All(paths, path => Assert.StartsWith("Return-Path: <>\r\n", File.ReadAllText(path), StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_content_that_breaks_off_delivers_nothing()
    {
        var maildir = new Maildir("mx.example.org", _scratch.Clock);
        using var content = new MemoryStream(new byte[10]);
        await content.DisposeAsync();
        await Assert.ThrowsAnyAsync<Exception>(
            async () => await maildir.DeliverAsync(_scratch.Data, Scratch.Envelope("a@b.example"), content, _cancel));
        Assert.Empty(Directory.GetFiles(_scratch.Data, "*", SearchOption.AllDirectories));
    }
}
