"""Indexes that are built after the rows."""

from __future__ import annotations

from vawsum_agent.backup.restore.keys import deferred

BEGIN = b"""
--
-- Table structure for table `t`
--

DROP TABLE IF EXISTS `t`;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `t` (
%s
) ENGINE=InnoDB AUTO_INCREMENT=3 DEFAULT CHARSET=latin1;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `t` WRITE;
INSERT INTO `t` VALUES
(1,'  KEY `x` (`y`)');
"""
ID = b"  `id` int(11) NOT NULL AUTO_INCREMENT"
PRIMARY = b"  PRIMARY KEY (`id`)"


def _begin(*lines: bytes) -> bytes:
    return BEGIN % b",\n".join(lines)


def test_keys_wait() -> None:
    """They leave the definition, in their order, and come back by one statement."""
    lines = (ID, b"  `a` int(11) DEFAULT NULL", PRIMARY)
    unique, plain = b"  UNIQUE KEY `u` (`a`,`id`)", b"  KEY `p` (`a`(10) DESC) USING BTREE"
    changed = deferred(_begin(*lines, unique, plain))
    assert changed == (
        _begin(*lines),
        b"ALTER TABLE `t`\n  ADD UNIQUE KEY `u` (`a`,`id`),\n  ADD KEY `p` (`a`(10) DESC) USING BTREE;\n",
    )


def test_nothing_to_wait_for() -> None:
    """A table without secondary indexes stays as it is."""
    assert deferred(_begin(ID, PRIMARY)) is None


def test_a_foreign_key_keeps_its_index() -> None:
    """The index that a constraint needs stays, with those before it, so that the order is the same in the end."""
    foreign = b"  CONSTRAINT `c` FOREIGN KEY (`a`) REFERENCES `o` (`id`)"
    lines = (ID, PRIMARY, b"  KEY `first` (`b`)", b"  KEY `needed` (`a`,`b`)")
    changed = deferred(_begin(*lines, b"  KEY `last` (`c`)", foreign))
    assert changed == (_begin(*lines, foreign), b"ALTER TABLE `t`\n  ADD KEY `last` (`c`);\n")


def test_a_counter_keeps_its_index() -> None:
    """An AUTO_INCREMENT column that is not the primary key can't be without one."""
    assert deferred(_begin(ID, b"  KEY `k` (`id`)")) is None


def test_a_fulltext_index_stays() -> None:
    """It is listed last anyway: the others wait all the same."""
    fulltext = b"  FULLTEXT KEY `f` (`a`)"
    changed = deferred(_begin(ID, PRIMARY, b"  KEY `k` (`a`)", fulltext))
    assert changed == (_begin(ID, PRIMARY, fulltext), b"ALTER TABLE `t`\n  ADD KEY `k` (`a`);\n")


def test_what_is_not_understood_stays() -> None:
    """An index on an expression, or with a comment, stays, and with it what comes before it."""
    odd = b"  KEY `odd` ((lower(`a`)))"
    changed = deferred(_begin(ID, PRIMARY, b"  KEY `k` (`a`)", odd, b"  KEY `l` (`b`)"))
    assert changed is not None
    assert changed[1] == b"ALTER TABLE `t`\n  ADD KEY `l` (`b`);\n"


def test_others_than_innodb_stay() -> None:
    """MyISAM builds indexes afterwards by itself; a table with history can't be changed."""
    begin = _begin(ID, PRIMARY, b"  KEY `k` (`a`)")
    assert deferred(begin.replace(b"ENGINE=InnoDB", b"ENGINE=MyISAM")) is None
    assert deferred(begin.replace(b"CHARSET=latin1", b"CHARSET=latin1 WITH SYSTEM VERSIONING")) is None


def test_odd_names() -> None:
    """Names are taken as they are quoted."""
    begin = _begin(ID, PRIMARY, b"  KEY `k ``(x), ` (`a,``b`)").replace(b"TABLE `t` (", b"TABLE `t ``(` (")
    changed = deferred(begin)
    assert changed is not None
    assert changed[1] == b"ALTER TABLE `t ``(`\n  ADD KEY `k ``(x), ` (`a,``b`);\n"


def test_a_definition_that_is_not_whole_stays() -> None:
    """Nothing is changed where the end of the definition is not there."""
    assert deferred(_begin(ID, PRIMARY, b"  KEY `k` (`a`)")[:200]) is None
