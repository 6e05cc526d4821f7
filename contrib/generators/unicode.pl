#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Writes engine/cel/unicode.inc (simple case mappings and folding orbits) and
# engine/cel/unicode_class.inc (general categories and scripts), from Perl's copy of the
# Unicode database. Run by hand when that is newer: contrib/generators/unicode.pl
use strict;
use warnings;
use Unicode::UCD qw(prop_invmap);

# code point -> mapped code point, for those that change
sub mapping {
	my ($name) = @_;
	my ($starts, $maps) = prop_invmap($name);
	my %map;
	for my $i (0 .. $#$starts) {
		my $to = $maps->[$i];
		$to = $to->[0] if ref $to;
		next if $to == 0;
		my $end = $i < $#$starts ? $starts->[$i + 1] - 1 : $starts->[$i];
		for my $c ($starts->[$i] .. $end) {
			my $t = $to + $c - $starts->[$i];
			$map{$c} = $t if $t != $c;
		}
	}
	return \%map;
}

# rows { first, last, step, delta }: runs of equal delta, one or two apart
sub table {
	my ($name, $map) = @_;
	my @keys = sort { $a <=> $b } keys %$map;
	my @rows;
	for my $c (@keys) {
		my $delta = $map->{$c} - $c;
		my $row = $rows[-1];
		if ($row && $row->[3] == $delta) {
			my $gap = $c - $row->[1];
			if ($gap <= 2 && ($row->[0] == $row->[1] || $row->[2] == $gap)) {
				$row->[1] = $c;
				$row->[2] = $gap;
				next;
			}
		}
		push @rows, [$c, $c, 1, $delta];
	}
	print "static const struct case_row $name\[] = {\n";
	print_rows(4, map { sprintf "{ 0x%04x, 0x%04x, %d, %d },", @$_ } @rows);
	print "};\n\n";
}

sub print_rows {
	my ($per_line, @rows) = @_;
	while (my @line = splice @rows, 0, $per_line) {
		print "\t", join(' ', @line), "\n";
	}
}

sub open_output {
	my ($name) = @_;
	open my $out, '>', "engine/cel/$name" or die "engine/cel/$name: $!";
	select $out;
	print "/* SPDX-License-Identifier: Apache-2.0 */\n";
	print "/* Made by contrib/generators/unicode.pl from Unicode ",
		Unicode::UCD::UnicodeVersion(), ". */\n";
}

my $upper = mapping('Simple_Uppercase_Mapping');
my $lower = mapping('Simple_Lowercase_Mapping');
my $fold = mapping('Simple_Case_Folding');

# orbit: all code points with the same folding; each leads to the next
my %orbits;
for my $c (keys %$fold) {
	push @{ $orbits{ $fold->{$c} } }, $c;
}
my %next;
for my $base (keys %orbits) {
	my @all = sort { $a <=> $b } ($base, @{ $orbits{$base} });
	$next{ $all[$_] } = $all[($_ + 1) % @all] for 0 .. $#all;
}

open_output('unicode.inc');
table('upper_rows', $upper);
table('lower_rows', $lower);
table('orbit_rows', \%next);

# rows { first, last, name } of a property whose values are names
sub classes {
	my ($table, $property, $short) = @_;
	my ($starts, $values) = prop_invmap($property);
	my @rows;
	for my $i (0 .. $#$starts) {
		my $value = $values->[$i];
		my $end = $i < $#$starts ? $starts->[$i + 1] - 1 : 0x10ffff;
		next if $end > 0x10ffff || $starts->[$i] > 0x10ffff;
		if ($short) {
			($value) = Unicode::UCD::prop_value_aliases($property, $value);
			next if $value eq 'Cn';
		} else {
			next if $value eq 'Unknown';
		}
		push @rows, sprintf '{ 0x%x, 0x%x, "%s" },', $starts->[$i], $end, $value;
	}
	print "static const struct class_row $table\[] = {\n";
	print_rows($short ? 6 : 4, @rows);
	print "};\n\n";
}

open_output('unicode_class.inc');
classes('category_rows', 'General_Category', 1);
classes('script_rows', 'Script', 0);
