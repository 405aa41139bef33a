using System.Collections.Frozen;
using System.Net;
using System.Text;
using Hopseal.Dns;
using Hopseal.Relay.Queue;
using Hopseal.Relay.Stores.Sqlite;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Server;

namespace Hopseal.Relay.Tests;

/// <summary>Runs when nothing else does: what is allocated is counted for the whole process.</summary>
[CollectionDefinition(DisableParallelization = true)]
public sealed class WithNothingBeside;

[Collection(typeof(WithNothingBeside))]
public sealed class IntakeTests : IAsyncDisposable
{
    static readonly SessionContext s_session = new(
        "s1", "mx", IPEndPoint.Parse("192.0.2.1:40000"), IPEndPoint.Parse("192.0.2.2:25"), "mail.example.com", true, null, null);

    readonly Scratch _scratch = new();
    readonly CancellationToken _cancel = TestContext.Current.CancellationToken;
    readonly SqliteQueueStore _store;
    readonly MessageQueue _queue;
    readonly Intake _intake;
    readonly List<AcceptedMessage> _accepted = [];

    public IntakeTests()
    {
        _store = _scratch.Open();
        _queue = new MessageQueue(_store, Scratch.Schedule, _scratch.Clock);
        _intake = new Intake(
            new IntakeOptions
            {
                Hostname = "mx.example.org",
                AcceptedDomains = new AcceptedDomains.Listed(new[] { DomainName.Parse("ours.example") }.ToFrozenSet()),
                Accepted = _accepted.Add,
            },
            _queue,
            _store.Spool,
            _scratch.Clock);
    }

    public async ValueTask DisposeAsync()
    {
        _queue.Dispose();
        await _store.DisposeAsync();
        _scratch.Dispose();
    }

    [Theory]
    [InlineData("user@ours.example", "250 2.1.5 recipient ok")]
    [InlineData("user@other.example", "550 5.7.1 relay access denied")]
    [InlineData("user%other@ours.example", "550 5.7.1 relay access denied: a route in the local part")]
    public async Task A_recipient_gets_its_reply(string recipient, string reply) => Assert.Equal(
        reply,
        (await _intake.RecipientAsync(s_session, Scratch.Envelope(), Scratch.Mailbox(recipient), _cancel)).ToString());

    [Theory]
    [InlineData("user@ours.example", "452 4.3.1 no space for mail, try again later")]
    [InlineData("user@other.example", "550 5.7.1 relay access denied")]
    public async Task Without_room_for_mail_the_recipient_is_asked_to_come_back(string recipient, string reply)
    {
        var full = new Intake(
            new IntakeOptions
            {
                Hostname = "mx.example.org",
                AcceptedDomains = new AcceptedDomains.Listed(new[] { DomainName.Parse("ours.example") }.ToFrozenSet()),
                HasRoom = () => false,
            },
            _queue,
            _store.Spool,
            _scratch.Clock);

        Assert.Equal(
            reply, (await full.RecipientAsync(s_session, Scratch.Envelope(), Scratch.Mailbox(recipient), _cancel)).ToString());
    }

    [Fact]
    public async Task A_message_that_got_250_survives_a_crash_with_its_trace_header_first()
    {
        var reply = await SendAsync(Scratch.Envelope("user@ours.example"), "Subject: x\r\n\r\n", "hello\r\n");
        Assert.Matches("^250 2\\.6\\.0 [0-9a-z]{26} kept$", reply);

        await using var after = _scratch.OpenWhatACrashLeaves();
        var lease = (await Scratch.LeaseAsync(after, Scratch.Start)).Single();
        Assert.Contains(lease.Id.Text, reply, StringComparison.Ordinal);
        Assert.Equal(
            $"""
            Received: from mail.example.com ([192.0.2.1])
            	by mx.example.org with ESMTP id {lease.Id}
            	for <user@ours.example>;
            	Sun, 1 Mar 2026 12:00:00 +0000
            Subject: x

            hello

            """.ReplaceLineEndings("\r\n"),
            await Scratch.ReadAsync(after, lease.Id));
        Assert.Equal((await Scratch.ReadAsync(after, lease.Id)).Length, lease.Size);
        var accepted = Assert.Single(_accepted);
        Assert.Equal((lease.Id, lease.Size, s_session), (accepted.Id, accepted.Size, accepted.Session));
        Assert.Equal("user@ours.example", Assert.Single(accepted.Envelope.Recipients).ToString());
    }

    [Fact]
    public async Task An_empty_message_is_a_message()
    {
        Assert.StartsWith("250 ", await SendAsync(Scratch.Envelope("user@ours.example")), StringComparison.Ordinal);
        Assert.Equal(1, await _queue.CountAsync(_cancel));
    }

    [Fact]
    public async Task Without_a_commit_nothing_is_kept()
    {
        await using (var writer = _intake.BeginMessage(s_session, Scratch.Envelope("user@ours.example")))
        {
            await writer.WriteAsync(new byte[Spool.MemoryOctets * 2], _cancel);
            Assert.Single(Directory.GetFiles(Path.Combine(_scratch.Data, "spool", "tmp")));
        }

        Assert.Empty(SpoolFiles());
        Assert.Empty(_accepted);
        Assert.Equal(0, await _queue.CountAsync(_cancel));
    }

    [Theory]
    [InlineData(100, "250 2.6.0 ")]
    [InlineData(101, "554 5.4.6 too many hops: this message is in a loop")]
    public async Task A_loop_is_cut(int hops, string reply)
    {
        var header = string.Concat(Enumerable.Repeat("Received: from a by b\r\n", hops));
        Assert.StartsWith(
            reply, await SendAsync(Scratch.Envelope("user@ours.example"), header, "\r\n", new string('x', 400_000)), StringComparison.Ordinal);
        Assert.Equal(hops > 100 ? 0 : 1, await _queue.CountAsync(_cancel));
        Assert.Equal(hops > 100 ? 0 : 1, SpoolFiles().Length);
    }

    [Theory]
    [InlineData(BodyType.SevenBit, "plain", BodyType.SevenBit)]
    [InlineData(BodyType.SevenBit, "gr\u00FC\u00DFe", BodyType.EightBitMime)]
    [InlineData(BodyType.EightBitMime, "plain", BodyType.EightBitMime)]
    [InlineData(BodyType.BinaryMime, "gr\u00FC\u00DFe", BodyType.BinaryMime)]
    public async Task The_next_hop_is_told_of_octets_that_the_client_did_not_declare(BodyType declared, string text, BodyType kept)
    {
        await SendAsync(Scratch.Envelope("user@ours.example") with { Body = declared }, "Subject: x\r\n\r\n", text);
        Assert.Equal(kept, (await Scratch.LeaseAsync(_store, Scratch.Start)).Single().Pending.Body);
    }

    /// <summary>RFC 8689 §4.1.</summary>
    [Theory]
    [InlineData(MessageTls.Unspecified, "TLS-Required: No\r\n\r\n", MessageTls.Optional)]
    [InlineData(MessageTls.Unspecified, "TLS-Required: Maybe\r\n\r\n", MessageTls.Unspecified)]
    [InlineData(MessageTls.Unspecified, "Subject: x\r\n\r\nTLS-Required: No\r\n", MessageTls.Unspecified)]
    [InlineData(MessageTls.Required, "TLS-Required: No\r\n\r\n", MessageTls.Required)]
    public async Task The_header_says_what_the_client_did_not(MessageTls said, string content, MessageTls kept)
    {
        await SendAsync(Scratch.Envelope("user@ours.example") with { Tls = said }, content);
        Assert.Equal(kept, (await Scratch.LeaseAsync(_store, Scratch.Start)).Single().Pending.Tls);
    }

    [Fact]
    public async Task A_full_store_is_452_and_keeps_nothing()
    {
        await _store.DoAsync(
            rows =>
            {
                using var limit = rows.Connection.CreateCommand();
                limit.CommandText = "PRAGMA max_page_count = 1";
                return limit.ExecuteScalar();
            },
            _cancel);
        Assert.Equal(
            "452 4.3.1 no space for mail, try again later",
            await SendAsync(Scratch.Envelope("user@ours.example"), new string('x', 200_000)));
        Assert.Equal(0, await _queue.CountAsync(_cancel));
        Assert.Empty(SpoolFiles());
    }

    [Fact]
    public async Task A_spool_that_fails_is_451_and_the_session_lives_on()
    {
        var arriving = Path.Combine(_scratch.Data, "spool", "tmp");
        await _store.Sweep;
        Directory.Delete(arriving);
        Assert.Equal(
            "451 4.3.0 the mail could not be stored, try again later",
            await SendAsync(Scratch.Envelope("user@ours.example"), new string('x', 400_000), "more"));
        Assert.Equal(0, await _queue.CountAsync(_cancel));

        Directory.CreateDirectory(arriving);
        Assert.StartsWith(
            "250 ", await SendAsync(Scratch.Envelope("user@ours.example"), new string('x', 400_000)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_large_message_does_not_take_its_size_in_memory()
    {
        var piece = new byte[64 * 1024];
        Array.Fill(piece, (byte)'x');
        await using var writer = _intake.BeginMessage(s_session, Scratch.Envelope("user@ours.example"));
        var before = GC.GetTotalAllocatedBytes(precise: true);
        for (var i = 0; i < 800; i++)
        {
            await writer.WriteAsync(piece, _cancel);
        }

        var reply = await writer.CommitAsync(_cancel);
        var allocated = GC.GetTotalAllocatedBytes(precise: true) - before;

        Assert.True(reply.IsPositive, reply.ToString());
        var lease = (await Scratch.LeaseAsync(_store, Scratch.Start)).Single();
        await using var content = await _store.OpenContentAsync(lease.Id, _cancel);
        Assert.Equal(lease.Size, content.Length);
        Assert.InRange(lease.Size, 50L * 1024 * 1024, long.MaxValue);
        // The message alone would be ten times this.
        Assert.InRange(allocated, 0, 5 * 1024 * 1024);
    }

    string[] SpoolFiles() => Directory.GetFiles(Path.Combine(_scratch.Data, "spool"), "*", SearchOption.AllDirectories);

    async Task<string> SendAsync(Envelope envelope, params string[] pieces)
    {
        await using var writer = _intake.BeginMessage(s_session, envelope);
        foreach (var piece in pieces)
        {
            await writer.WriteAsync(Encoding.UTF8.GetBytes(piece), _cancel);
        }

        return (await writer.CommitAsync(_cancel)).ToString();
    }
}
