import media


def test_every_file_of_the_videos_folder_has_a_maker():
    """One command makes all that the documents show."""
    assert {path.stem for path in media.VIDEOS.iterdir()} == set(media.MAKERS)


def test_an_unknown_name_is_told(capsys):
    """Nothing is made, and the names are listed."""
    assert media.main(["pong", "film"]) == 2
    assert "pong, play, learning, tournament, found film" in capsys.readouterr().err
