using Hopseal.Reports.Sessions;
using Microsoft.Data.Sqlite;

namespace Hopseal.Reports.Tests.Sessions;

public sealed class RowRoomTests : IDisposable
{
    readonly SqliteConnection _connection = new("Data Source=:memory:");

    public RowRoomTests() => _connection.Open();

    [Fact]
    public void Names_beyond_the_bound_share_a_row_and_known_ones_keep_theirs()
    {
        Do("CREATE TABLE peers (peer TEXT PRIMARY KEY) STRICT");
        using var room = new RowRoom(_connection, "peers", "peer", 2);

        Assert.Equal(["a", "b", RowRoom.Others, RowRoom.Others, "a"], ((string[])["a", "b", "c", "d", "a"]).Select(Use));
        Do("DELETE FROM peers WHERE peer = 'a' OR peer = '(others)'");
        room.Forget();
        Assert.Equal(["c", RowRoom.Others], ((string[])["c", "d"]).Select(Use));

        string Use(string name)
        {
            var row = room.RowFor(name);
            Do($"INSERT INTO peers VALUES ('{row}') ON CONFLICT DO NOTHING");
            return row;
        }
    }

    [Fact]
    public void Each_day_has_room_of_its_own()
    {
        Do("CREATE TABLE days (domain TEXT, day INTEGER) STRICT");
        using var room = new RowRoom(_connection, "days", "domain", 1, daily: true);

        (string, long)[] uses = [("a", 1), ("b", 1), ("b", 2), ("a", 2), ("b", 1)];
        Assert.Equal(["a", RowRoom.Others, "b", RowRoom.Others, RowRoom.Others], uses.Select(Use));

        string Use((string Name, long Day) use)
        {
            var row = room.RowFor(use.Name, use.Day);
            Do($"INSERT INTO days VALUES ('{row}', {use.Day})");
            return row;
        }
    }

    public void Dispose() => _connection.Dispose();

    void Do(string sql)
    {
        using var command = _connection.CreateCommand();
#pragma warning disable CA2100 // the test's own
        command.CommandText = sql;
#pragma warning restore CA2100
        command.ExecuteNonQuery();
    }
}
